import { endOfString } from './json-scan.ts';

const quote = 0x22;
const comma = 0x2c;
const closingBrace = 0x7d;
const closingBracket = 0x5d;
/** Longer names are nobody's that we look for; they are not decoded, so that no text grows with the input. */
const longestName = 256;

/** Where a value lies in JSON text: its first byte and the byte after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A member of an object; `start` and `end` are those of its value. */
export interface Member extends Span {
  /** Decoded; undefined where it is too long to be one that we know. */
  readonly name: string | undefined;
  /** Where its name begins, at the opening quote. */
  readonly nameStart: number;
}

/**
 * Where the value of the member `name` lies in the object whose brace is at `open`; undefined where it has none.
 * The text must be valid JSON. Where a member is named twice the last one holds, as in `JSON.parse`.
 */
export function memberSpan(text: Buffer, open: number, name: string): Span | undefined {
  let found: Span | undefined;
  for (const member of membersFrom(text, open + 1)) if (member.name === name) found = member;
  return found && { start: found.start, end: found.end };
}

/** The members of the object whose brace is at `open`, in their order. The text must be valid JSON. */
export function membersOf(text: Buffer, open: number): Member[] {
  return [...membersFrom(text, open + 1)];
}

/** The items of the list whose bracket is at `open`, in their order. The text must be valid JSON. */
export function itemsOf(text: Buffer, open: number): Span[] {
  const items: Span[] = [];
  itemsFrom(text, open + 1, items);
  return items;
}

/**
 * Members of an object from `from` on, which lies right behind its opening brace or behind one of its values. Ends at the closing brace.
 */
export function* membersFrom(text: Buffer, from: number): Generator<Member> {
  let at = afterComma(text, from);
  while (text[at] === quote) {
    const nameEnd = endOfString(text, at + 1, text.length) + 1;
    const start = afterSpace(text, afterSpace(text, nameEnd) + 1);
    const end = endOfValue(text, start);
    yield { name: nameAt(text, at, nameEnd), nameStart: at, start, end };
    at = afterComma(text, end);
  }
}

/**
 * Adds the items of a list from `from` on, which lies right behind its opening bracket or behind one of its items.
 * @returns the offset of the closing bracket, or the text's length where there is none.
 */
export function itemsFrom(text: Buffer, from: number, into: Span[]): number {
  let at = afterComma(text, from);
  while (at < text.length && text[at] !== closingBracket && text[at] !== closingBrace) {
    const end = endOfValue(text, at);
    into.push({ start: at, end });
    at = afterComma(text, end);
  }
  return at;
}

/** The decoded name whose quotes are at `start` and before `end`. */
export function nameAt(text: Buffer, start: number, end: number): string | undefined {
  if (end - start > longestName) return undefined;
  const plain = text.toString('latin1', start + 1, end - 1);
  if (/^[\w-]*$/.test(plain)) return plain;
  return JSON.parse(text.toString('utf8', start, end)) as string;
}

/** The first byte at or after `from` that is not white space. */
export function afterSpace(text: Buffer, from: number): number {
  let at = from;
  while (isSpace(text[at])) at++;
  return at;
}

/** As `afterSpace`, and past one comma where one stands there. */
export function afterComma(text: Buffer, from: number): number {
  const at = afterSpace(text, from);
  return text[at] === comma ? afterSpace(text, at + 1) : at;
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
    else if (byte === closingBrace || byte === closingBracket) depth--;
    // A plain value ends before whatever follows it, a string or a container with its own last byte.
    else if (depth === 0 && (byte === comma || isSpace(byte))) return at;
    else continue;
    if (depth < 0) return at;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
