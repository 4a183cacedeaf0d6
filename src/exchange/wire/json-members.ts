import { endOfString } from '../../kernel/json-scan.ts';

const quote = 0x22;

/** Where a value lies in JSON text: its first byte and the byte after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the value of the member `name` lies in the object whose brace is at `open`; undefined where it has none.
 * The text must be valid JSON. Where a member is named twice the last one holds, as in `JSON.parse`.
 */
export function memberSpan(text: Buffer, open: number, name: string): Span | undefined {
  let found: Span | undefined;
  for (let at = afterSpace(text, open + 1); text[at] === quote;) {
    const nameEnd = endOfString(text, at + 1, text.length) + 1;
    const start = afterSpace(text, afterSpace(text, nameEnd) + 1);
    const end = endOfValue(text, start);
    if (JSON.parse(text.toString('utf8', at, nameEnd)) === name) found = { start, end };
    // Past the value stands a comma and the next name, or the closing brace.
    at = afterSpace(text, afterSpace(text, end) + 1);
  }
  return found;
}

/** The first byte at or after `from` that is not white space. */
export function afterSpace(text: Buffer, from: number): number {
  let at = from;
  while (isSpace(text[at])) at++;
  return at;
}

/** The byte after the last one before `from` that is not white space. */
export function beforeSpace(text: Buffer, from: number): number {
  let at = from;
  while (at > 0 && isSpace(text[at - 1])) at--;
  return at;
}

/** The byte after the value that begins at `start`. */
export function endOfValue(text: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const byte = text[at];
    if (byte === quote) at = endOfString(text, at + 1, text.length);
    else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    // A plain value ends before whatever follows it, a string or a container with its own last byte.
    else if (depth === 0 && (byte === 0x2c || isSpace(byte))) return at;
    else continue;
    if (depth < 0) return at;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
