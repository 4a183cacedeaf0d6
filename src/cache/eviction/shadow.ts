import { HashIndex } from './hash-index.ts';
import type { Limits } from './limits.ts';
import { Residents } from './residents.ts';
import { none } from './slot-lists.ts';
import type { Judges } from './victim-walk.ts';

/** A cache of hashes alone, with a window of its own that does not change: what would have happened with it. */
export class Shadow {
  readonly #index = new HashIndex();
  readonly #residents: Residents;

  /** @param evictedHash told of each that goes to make room for another. */
  constructor(
    limits: Limits,
    judges: Judges,
    windowShare: number,
    evictedHash?: (hash: number) => void,
  ) {
    const evicted = (slot: number) => {
      const hash = this.#residents.slots.hash(slot);
      this.#index.delete(hash);
      evictedHash?.(hash);
    };
    this.#residents = new Residents({ limits, ...judges, evicted }, windowShare);
  }

  get windowShare(): number {
    return this.#residents.windowShare;
  }

  get entries(): number {
    return this.#residents.slots.entries;
  }

  has(hash: number): boolean {
    return this.#index.find(hash) !== none;
  }

  /** True if it was there; else it is put in. */
  request(hash: number, bytes: number, worth: number): boolean {
    const slot = this.#index.find(hash);
    if (slot !== none) {
      this.#residents.hit(slot);
      return true;
    }
    const added = this.#residents.add(hash, bytes, worth);
    if (added !== none) this.#index.set(hash, added);
    return false;
  }

  replace(hash: number, bytes: number, worth: number): void {
    const slot = this.#index.find(hash);
    if (slot === none) this.request(hash, bytes, worth);
    else if (!this.#residents.replace(slot, bytes, worth)) this.#index.delete(hash);
  }

  remove(hash: number): void {
    const slot = this.#index.find(hash);
    if (slot === none) return;
    this.#index.delete(hash);
    this.#residents.remove(slot);
  }

  clear(): void {
    this.#index.clear();
    this.#residents.slots.clear();
  }

  /** Room for less, and only hashes that `isIn`. */
  shrink(limits: Limits, isIn: (hash: number) => boolean): void {
    const { slots } = this.#residents;
    for (let slot = 0; slot < slots.used; slot++) {
      if (slots.isKept(slot) && !isIn(slots.hash(slot))) this.remove(slots.hash(slot));
    }
    this.#residents.limit(limits);
  }
}
