import type { Bytes } from './stream.ts';

/** Most streams stay below it. */
const startBytes = 16 * 1024;

/**
 * Bytes that come piece by piece, in one piece. Keeping a stream's chunks as they came would keep some five objects for each, through
 * several rounds of the garbage collector; copying a chunk of a few hundred bytes costs less than a tenth of that.
 */
export class GrowingBytes {
  #bytes = Buffer.allocUnsafeSlow(startBytes);
  #first = 0;
  #length = 0;

  /** Offset just past the last byte, counted from the first that ever came. */
  get end(): number {
    return this.#first + this.#length;
  }

  append(chunk: Bytes): void {
    const needed = this.#length + chunk.byteLength;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
  }

  /** A view of what lies between two offsets; it stays as it is whatever comes. Nothing before `drop`'s offset can be had. */
  slice(from: number, to: number = this.end): Buffer {
    return this.#bytes.subarray(from - this.#first, to - this.#first);
  }

  /** Lets go of what lies before `offset`. */
  drop(offset: number): void {
    // Views are out there, so what is kept moves to memory of its own.
    const kept = this.slice(offset);
    const bytes = Buffer.allocUnsafeSlow(Math.max(startBytes, 2 * kept.length));
    kept.copy(bytes);
    this.#bytes = bytes;
    this.#length = kept.length;
    this.#first = offset;
  }
}
