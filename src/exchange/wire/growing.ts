import type { JsonValue } from '../../kernel/json.ts';

/** A JSON object while a stream still adds to it. */
export type Growing = Record<string, JsonValue | undefined>;

/**
 * Adds one member of a streamed part: text goes on where it stopped, null only fills a gap, anything else replaces.
 * Members that nobody has heard of thus survive as well as can be.
 */
export function addMember(target: Growing, name: string, value: JsonValue | undefined): void {
  const before = target[name];
  if (typeof value === 'string' && typeof before === 'string') target[name] = before + value;
  else replaceMember(target, name, value);
}

/** Sets a member to what was said last; silence (null or empty text) does not undo what was said before. */
export function replaceMember(target: Growing, name: string, value: JsonValue | undefined): void {
  const silent = value === null || value === undefined || value === '';
  if (!silent || target[name] === undefined || target[name] === null) target[name] = value;
}

/** Puts a streamed list after what came of it before. */
export function addItems(target: Growing, name: string, value: JsonValue | undefined): void {
  const before = target[name];
  if (Array.isArray(value) && Array.isArray(before)) {
    (before as JsonValue[]).push(...(value as readonly JsonValue[]));
  } else if (Array.isArray(value)) {
    target[name] = [...(value as readonly JsonValue[])];
  } else if (before === undefined) {
    target[name] = value;
  }
}

const pieceLength = 48;

/** `text` in pieces as a stream would bring them: a few words each, never half a character. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + pieceLength, text.length);
    if (end < text.length) {
      // Sought within the piece only: a long text without spaces, such as base64, would be searched from end to end for each.
      const space = text.slice(start + 1, end + 1).lastIndexOf(' ');
      if (space >= 0) end = start + 1 + space;
      else if (isHighSurrogate(text.charCodeAt(end - 1))) end--;
    }
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd8_00 && unit <= 0xdb_ff;
}
