import { EconomizerError } from '../kernel/errors.ts';
import { frameEnd } from './sse.ts';

/**
 * A frame of an event stream differs from the one before in a word or two. Each is kept as its differences: how many
 * bytes to copy from the predecessor, how many of it to leave out, and what stands there instead. What no difference
 * names is copied. Layout: count of frames; for each its count of differences; for each difference copied, left out,
 * length of the new bytes (all varints), new bytes.
 */
export function encodeFrames(frames: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [varint(frames.length)];
  let before: Uint8Array = new Uint8Array(0);
  for (const frame of frames) {
    const differences = differencesOf(before, frame);
    parts.push(varint(differences.length));
    for (const { copied, leftOut, put } of differences) {
      parts.push(varint(copied), varint(leftOut), varint(put.length), put);
    }
    before = frame;
  }
  return Buffer.concat(parts);
}

/**
 * The frames that `encodeFrames` was given.
 * @throws EconomizerError `ECO_INTERNAL` where the bytes are not its work.
 */
export function decodeFrames(bytes: Uint8Array): Buffer[] {
  const reader = new VarintReader(bytes);
  const frames: Buffer[] = [];
  let before: Buffer = Buffer.alloc(0);
  for (let rest = reader.next(); rest > 0; rest--) {
    const parts: Uint8Array[] = [];
    let at = 0;
    for (let differences = reader.next(); differences > 0; differences--) {
      const copied = reader.next();
      parts.push(before.subarray(at, at + copied));
      at += copied + reader.next();
      if (at > before.length) throw damaged();
      parts.push(reader.take(reader.next()));
    }
    parts.push(before.subarray(at));
    before = Buffer.concat(parts);
    frames.push(before);
  }
  if (!reader.atEnd()) throw damaged();
  return frames;
}

/** The frames of a stream's text, each with the blank line that ends it; what no blank line ends comes last. */
export function splitFrames(bytes: Uint8Array): Buffer[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const plain = !text.includes('\r');
  const frames: Buffer[] = [];
  let start = 0;
  while (start < text.length) {
    const end = plain ? nextLineFeeds(text, start) : nextBlankLine(text, start);
    frames.push(text.subarray(start, end));
    start = end;
  }
  return frames;
}

function nextLineFeeds(text: Buffer, start: number): number {
  const found = text.indexOf('\n\n', start);
  return found < 0 ? text.length : found + 2;
}

/** As `nextLineFeeds` for streams with carriage returns: grows the frame a line at a time until a blank one ends it. */
function nextBlankLine(text: Buffer, start: number): number {
  for (let index = start; index < text.length; index++) {
    const byte = text[index];
    if (byte !== 0x0a && byte !== 0x0d) continue;
    // A CR LF is one line ending and must not be cut apart.
    const lineEnd = byte === 0x0d && text[index + 1] === 0x0a ? index + 2 : index + 1;
    if (frameEnd(text.subarray(Math.max(start, index - 3), lineEnd)) > 0) return lineEnd;
    index = lineEnd - 1;
  }
  return text.length;
}

/** Where a frame departs from its predecessor. */
interface Difference {
  /** Bytes that both have, since the difference before. */
  readonly copied: number;
  /** Bytes of the predecessor that the frame does not have. */
  readonly leftOut: number;
  readonly put: Uint8Array;
}

/** What both frames begin and end with is shared; between, they are compared from quote to quote. */
function differencesOf(before: Uint8Array, frame: Uint8Array): Difference[] {
  const start = sharedStart(before, frame);
  const end = sharedEnd(before, frame, start);
  const old = before.subarray(start, before.length - end);
  const fresh = frame.subarray(start, frame.length - end);
  if (old.length === 0 && fresh.length === 0) return [];
  return (
    differencesByText(old, fresh, start) ?? [{ copied: start, leftOut: old.length, put: fresh }]
  );
}

const quote = 0x22;

/**
 * Chunks of one stream have the same members and differ in a few of their texts (the word, the obfuscation), which
 * stand between the same number of quotes. Undefined where that number differs.
 */
function differencesByText(
  old: Uint8Array,
  fresh: Uint8Array,
  start: number,
): Difference[] | undefined {
  const differences: Difference[] = [];
  let copied = start;
  let oldAt = 0;
  let freshAt = 0;
  for (;;) {
    const oldQuote = old.indexOf(quote, oldAt);
    const freshQuote = fresh.indexOf(quote, freshAt);
    if (oldQuote < 0 !== freshQuote < 0) return undefined;
    const oldText = old.subarray(oldAt, oldQuote < 0 ? old.length : oldQuote);
    const put = fresh.subarray(freshAt, freshQuote < 0 ? fresh.length : freshQuote);
    if (Buffer.compare(oldText, put) === 0) copied += put.length;
    else {
      differences.push({ copied, leftOut: oldText.length, put });
      copied = 0;
    }
    if (oldQuote < 0) return differences;
    copied++;
    oldAt = oldQuote + 1;
    freshAt = freshQuote + 1;
  }
}

function sharedStart(before: Uint8Array, frame: Uint8Array): number {
  const most = Math.min(before.length, frame.length);
  let count = 0;
  while (count < most && before[count] === frame[count]) count++;
  return count;
}

function sharedEnd(before: Uint8Array, frame: Uint8Array, start: number): number {
  const most = Math.min(before.length, frame.length) - start;
  let count = 0;
  while (count < most && before[before.length - 1 - count] === frame[frame.length - 1 - count]) {
    count++;
  }
  return count;
}

/** A whole number as bytes of seven bits each, lowest first; all but the last have the eighth bit set. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw damaged();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw damaged();
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw damaged();
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}

function damaged(): EconomizerError {
  return new EconomizerError('ECO_INTERNAL', 'A stored stream is damaged and cannot be read.');
}
