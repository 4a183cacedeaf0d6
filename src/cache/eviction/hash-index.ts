import { none } from './slot-lists.ts';

const slotsAtFirst = 64;

/**
 * Finds slots by hash: an open table in typed arrays, at most half full, eight bytes a place. Two keys of one hash are one to it: good enough
 * where nothing but a guess depends on it.
 */
export class HashIndex {
  #hashes = new Int32Array(slotsAtFirst);
  /** Slot and one, so that 0 is free. */
  #slots = new Int32Array(slotsAtFirst);
  #mask = slotsAtFirst - 1;
  #size = 0;

  find(hash: number): number {
    const at = this.#placeOf(hash);
    return this.#slots[at] === 0 ? none : this.#slots[at]! - 1;
  }

  /** The hash must not be in. */
  set(hash: number, slot: number): void {
    if (2 * ++this.#size > this.#mask) this.#grow();
    const at = this.#placeOf(hash);
    this.#hashes[at] = hash;
    this.#slots[at] = slot + 1;
  }

  delete(hash: number): void {
    let hole = this.#placeOf(hash);
    if (this.#slots[hole] === 0) return;
    this.#size--;
    // Those behind move up, unless that would put them before the place where the search for them begins.
    for (let at = (hole + 1) & this.#mask; this.#slots[at] !== 0; at = (at + 1) & this.#mask) {
      const home = homeOf(this.#hashes[at]!) & this.#mask;
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue;
      this.#hashes[hole] = this.#hashes[at]!;
      this.#slots[hole] = this.#slots[at]!;
      hole = at;
    }
    this.#slots[hole] = 0;
  }

  clear(): void {
    this.#slots.fill(0);
    this.#size = 0;
  }

  #placeOf(hash: number): number {
    let at = homeOf(hash) & this.#mask;
    while (this.#slots[at] !== 0 && this.#hashes[at] !== hash) at = (at + 1) & this.#mask;
    return at;
  }

  #grow(): void {
    const [hashes, slots] = [this.#hashes, this.#slots];
    this.#hashes = new Int32Array(2 * hashes.length);
    this.#slots = new Int32Array(2 * hashes.length);
    this.#mask = 2 * hashes.length - 1;
    for (let from = 0; from < slots.length; from++) {
      if (slots[from] === 0) continue;
      const at = this.#placeOf(hashes[from]!);
      this.#hashes[at] = hashes[from]!;
      this.#slots[at] = slots[from]!;
    }
  }
}

/** The low bits of the hashes in one table may all be the same: they choose the table. */
function homeOf(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x9e37_79b1) >>> 8;
}
