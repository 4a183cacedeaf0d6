import { EconomizerError } from '../kernel/errors.ts';
import { frameEnd } from './sse.ts';

/**
 * A frame of an event stream differs from the one before in a word or two. Each is kept as the number of bytes it
 * shares with the start of its predecessor, the number it shares with its end, and the bytes between.
 * Layout: count of frames, then for each: shared start, shared end, length of middle (all varints), middle.
 */
export function encodeFrames(frames: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [varint(frames.length)];
  let before: Uint8Array = new Uint8Array(0);
  for (const frame of frames) {
    const start = sharedStart(before, frame);
    const end = sharedEnd(before, frame, start);
    const middle = frame.subarray(start, frame.length - end);
    parts.push(varint(start), varint(end), varint(middle.length), middle);
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
  const count = reader.next();
  const frames: Buffer[] = [];
  let before: Buffer = Buffer.alloc(0);
  for (let index = 0; index < count; index++) {
    const start = reader.next();
    const end = reader.next();
    const middle = reader.take(reader.next());
    if (start + end > before.length) throw damaged();
    before = Buffer.concat([
      before.subarray(0, start),
      middle,
      before.subarray(before.length - end),
    ]);
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
