import { EconomizerError } from '../kernel/errors.ts';
import { frameEnd } from './sse.ts';
import { asBuffer } from './stream.ts';

/**
 * A frame of an event stream differs from the one before in a word or two. Each is kept as its differences: how many
 * bytes to copy from the predecessor, how many of it to leave out, and what stands there instead. What no difference
 * names is copied. Layout: count of frames; for each its count of differences; for each difference copied, left out,
 * length of the new bytes (all varints), new bytes.
 */
export function encodeFrames(frames: readonly Uint8Array[]): Buffer {
  const writer = new FrameWriter();
  writer.number(frames.length);
  let before: Uint8Array = new Uint8Array(0);
  for (const frame of frames) {
    const differences = differencesOf(before, frame);
    writer.number(differences.length);
    for (const { copied, leftOut, from, to } of differences) {
      writer.number(copied);
      writer.number(leftOut);
      writer.number(to - from);
      writer.bytes(frame, from, to);
    }
    before = frame;
  }
  return writer.written();
}

/**
 * The frames that `encodeFrames` was given.
 * @throws EconomizerError `ECO_INTERNAL` where the bytes are not its work.
 */
export function decodeFrames(bytes: Uint8Array): Buffer[] {
  const reader = new FrameReader(bytes);
  const frames: Buffer[] = [];
  let before: Buffer = Buffer.alloc(0);
  for (let rest = reader.number(); rest > 0; rest--) {
    const parts: Uint8Array[] = [];
    let at = 0;
    for (let differences = reader.number(); differences > 0; differences--) {
      const copied = reader.number();
      parts.push(before.subarray(at, at + copied));
      at += copied + reader.number();
      if (at > before.length) throw damaged();
      parts.push(reader.bytes(reader.number()));
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
  const text = asBuffer(bytes);
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

/** True for a frame of comments alone, which servers send to keep a connection open; it is no part of the answer. */
export function isComment(frame: Uint8Array): boolean {
  // Nearly all frames begin with a field, and that settles it.
  if (frame[0] !== 0x3a) return false;
  return /^(?::.*(?:\r\n|\n|\r|$)|[\r\n])*$/.test(asBuffer(frame).toString('latin1'));
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
  /** Where in the frame the bytes lie that stand there instead. */
  readonly from: number;
  readonly to: number;
}

/** What both frames begin and end with is shared; between, they are compared from quote to quote. */
function differencesOf(before: Uint8Array, frame: Uint8Array): Difference[] {
  const shorter = Math.min(before.length, frame.length);
  let start = 0;
  while (start < shorter && before[start] === frame[start]) start++;
  let oldEnd = before.length;
  let newEnd = frame.length;
  while (oldEnd > start && newEnd > start && before[oldEnd - 1] === frame[newEnd - 1]) {
    oldEnd--;
    newEnd--;
  }
  if (start === oldEnd && start === newEnd) return [];
  return (
    differencesByText({ before, frame, start, oldEnd, newEnd }) ?? [
      { copied: start, leftOut: oldEnd - start, from: start, to: newEnd },
    ]
  );
}

/** Two frames and the part of each that they do not share. */
interface Unshared {
  readonly before: Uint8Array;
  readonly frame: Uint8Array;
  readonly start: number;
  readonly oldEnd: number;
  readonly newEnd: number;
}

/**
 * Chunks of one stream have the same members and differ in a few of their texts (the word, the obfuscation), which
 * stand between the same number of quotes. Undefined where that number differs.
 */
function differencesByText(pair: Unshared): Difference[] | undefined {
  const { before, frame, start, oldEnd, newEnd } = pair;
  const differences: Difference[] = [];
  let copied = start;
  let oldFrom = start;
  let from = start;
  for (;;) {
    const oldTo = quoteIn(before, oldFrom, oldEnd);
    const to = quoteIn(frame, from, newEnd);
    if ((oldTo === oldEnd) !== (to === newEnd)) return undefined;
    if (isSame(before, oldFrom, oldTo, frame, from, to)) copied += to - from;
    else {
      differences.push({ copied, leftOut: oldTo - oldFrom, from, to });
      copied = 0;
    }
    if (to === newEnd) return differences;
    copied++;
    oldFrom = oldTo + 1;
    from = to + 1;
  }
}

/** Where the next quote stands before `end`, else `end`. A call into the machine's search would cost more than these few bytes. */
function quoteIn(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== 0x22) at++;
  return at;
}

function isSame(
  old: Uint8Array,
  oldFrom: number,
  oldTo: number,
  fresh: Uint8Array,
  from: number,
  to: number,
): boolean {
  if (oldTo - oldFrom !== to - from) return false;
  for (let at = 0; at < to - from; at++) {
    if (old[oldFrom + at] !== fresh[from + at]) return false;
  }
  return true;
}

/** A buffer that grows as it is written. */
class FrameWriter {
  #buffer = Buffer.allocUnsafe(2048);
  #length = 0;

  /** A whole number in bytes of seven bits each, lowest first; all but the last have the eighth bit set. */
  number(value: number): void {
    this.#reserve(5);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
    this.#buffer[this.#length++] = rest;
  }

  bytes(source: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    for (let at = from; at < to; at++) this.#buffer[this.#length++] = source[at]!;
  }

  written(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

class FrameReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw damaged();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw damaged();
  }

  bytes(length: number): Uint8Array {
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
