import { fingerprint } from '../../tiers/fingerprint.ts';

/** Requests in order, and no more of them than is needed to look ahead: four bytes each, and eight for each number beside the key. */
export class Trace {
  #requests = 0;
  readonly #numbers = new Map<number, number>();
  #keys = new Uint32Array(1024);
  #bytes: Float64Array | undefined;
  #worths: Float64Array | undefined;

  get requests(): number {
    return this.#requests;
  }

  get uniqueKeys(): number {
    return this.#numbers.size;
  }

  get hasWorths(): boolean {
    return this.#worths !== undefined;
  }

  /** The keys as numbers from 0, in order of their first request. */
  get keys(): Uint32Array {
    return this.#keys.subarray(0, this.#requests);
  }

  /** Bytes and worth are 1 where they are not given. Keys are told apart by 53 bits of a hash. @returns the key's number. */
  add(key: string, bytes = 1, worth = 1): number {
    const at = this.#requests++;
    if (at === this.#keys.length) this.#grow();
    const print = fingerprint(key);
    let number = this.#numbers.get(print);
    if (number === undefined) this.#numbers.set(print, (number = this.#numbers.size));
    this.#keys[at] = number;
    if (bytes !== 1) this.#bytes ??= new Float64Array(this.#keys.length).fill(1);
    if (worth !== 1) this.#worths ??= new Float64Array(this.#keys.length).fill(1);
    if (this.#bytes !== undefined) this.#bytes[at] = bytes;
    if (this.#worths !== undefined) this.#worths[at] = worth;
    return number;
  }

  bytesAt(request: number): number {
    return this.#bytes === undefined ? 1 : this.#bytes[request]!;
  }

  worthAt(request: number): number {
    return this.#worths === undefined ? 1 : this.#worths[request]!;
  }

  #grow(): void {
    const length = 2 * this.#keys.length;
    const keys = new Uint32Array(length);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#bytes &&= doubled(this.#bytes);
    this.#worths &&= doubled(this.#worths);
  }
}

function doubled(values: Float64Array): Float64Array {
  const grown = new Float64Array(2 * values.length).fill(1);
  grown.set(values);
  return grown;
}
