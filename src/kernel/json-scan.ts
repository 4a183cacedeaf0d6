const quote = 0x22;
const backslash = 0x5c;
const longStringBytes = 48;
/** A double holds every integer and decimal of up to 15 significant digits exactly. */
const exactDigits = 15;

/** What the text of a JSON value tells that its parsed form does not. */
export interface JsonScan {
  /** Members of all objects, counting each time a name is given. */
  readonly members: number;
  readonly depth: number;
  /** Some number has more digits than a double can hold. */
  readonly longNumber: boolean;
  /** Some member's name has an escape, which `JSON.parse` may misread; see `EscapedNames`. */
  readonly escapedName: boolean;
}

/**
 * One pass over JSON text that `JSON.parse` has accepted or will judge next. `JSON.parse` keeps silent about members
 * named twice and about digits it drops; both would let two different requests share a cache key.
 */
export function scanJson(bytes: Buffer, start = 0, end: number = bytes.length): JsonScan {
  let members = 0;
  let depth = 0;
  let deepest = 0;
  let digits = 0;
  let longNumber = false;
  let escapedName = false;
  let stringFrom = start;
  let stringEnd = start;
  for (let index = start; index < end; index++) {
    const byte = bytes[index]!;
    if (byte >= 0x30 && byte <= 0x39) {
      if (++digits > exactDigits) longNumber = true;
      continue;
    }
    if (byte === 0x2e) continue; // the point of a decimal does not end its digits
    digits = 0;
    if (byte === quote) {
      stringFrom = index + 1;
      index = stringEnd = endOfString(bytes, stringFrom, end);
    } else if (byte === 0x3a) {
      members++;
      escapedName ||= hasEscape(bytes, stringFrom, stringEnd);
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return { members, depth: deepest, longNumber, escapedName };
}

/** In a name, which is short. */
function hasEscape(bytes: Buffer, from: number, end: number): boolean {
  for (let index = from; index < end; index++) if (bytes[index] === backslash) return true;
  return false;
}

/** The index of the quote that closes the string whose text begins at `from`, or `end`. */
export function endOfString(bytes: Buffer, from: number, end: number): number {
  let index = from;
  const searchFrom = Math.min(from + longStringBytes, end);
  while (index < searchFrom) {
    const byte = bytes[index]!;
    if (byte === quote) return index;
    index += byte === backslash ? 2 : 1;
  }
  // Long strings: the machine's own search for a quote, then a look back whether it is escaped.
  for (
    let found = bytes.indexOf(quote, index);
    found >= 0;
    found = bytes.indexOf(quote, found + 1)
  ) {
    let escapes = 0;
    while (found - escapes - 1 >= index && bytes[found - escapes - 1] === backslash) escapes++;
    if (escapes % 2 === 0) return Math.min(found, end);
  }
  return end;
}
