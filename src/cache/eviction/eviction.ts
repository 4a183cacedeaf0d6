import type { Random } from '../../kernel/random.ts';
import { Advisor } from './advisor.ts';
import type { Limits } from './limits.ts';
import { Residents } from './residents.ts';
import { FrequencySketch } from './sketch.ts';
import { none } from './slot-lists.ts';
import { WorthScale } from './worth.ts';

export interface EvictionOptions extends Limits {
  /** For ties that only chance can decide, and for hashes that nobody can foresee. */
  readonly random: Random;
  /** Told of each entry that goes to make room. Its slot may be used again afterwards. */
  readonly evicted: (slot: number) => void;
}

/**
 * Decides which entries a bounded cache keeps: those that save most for the room they take, as far as their past tells. It knows hashes of
 * keys, sizes and worths; keys and values are kept by whoever asks, under the slot numbers given here. Sets of entries and bytes never
 * pass the limits, not even for a moment: who must go is told before the newcomer's slot is returned.
 *
 * Newcomers pass through a window and stay by contest (`Residents`); how large the window should be is learnt from the requests (`Advisor`).
 * Every act takes constant time on average. Nothing here knows the time of day.
 */
export class Eviction {
  /** For whoever makes the hashes of keys. */
  readonly seed: number;
  readonly #sketch: FrequencySketch;
  readonly #worths = new WorthScale();
  readonly #residents: Residents;
  readonly #advisor: Advisor;

  constructor({ maxEntries, maxBytes, random, evicted }: EvictionOptions) {
    this.seed = drawn(random);
    this.#sketch = new FrequencySketch(drawn(random));
    const limits = { maxEntries, maxBytes };
    const judges = { sketch: this.#sketch, worths: this.#worths, random };
    this.#advisor = new Advisor(limits, judges, (slot) => this.#residents.slots.passedByLru(slot));
    const options = {
      limits,
      ...judges,
      evicted: (slot: number) => {
        this.#advisor.settle(this.#residents.slots.hash(slot), none);
        evicted(slot);
      },
      wouldKeep: (hash: number) => this.#advisor.wouldKeep(hash),
      isTooDear: (hash: number) => this.#advisor.isTooDear(hash),
    };
    this.#residents = new Residents(options, this.#advisor.windowShare);
  }

  get entries(): number {
    return this.#residents.slots.entries;
  }

  get bytes(): number {
    return this.#residents.slots.bytes;
  }

  /** Share of the cache that is for newcomers, as learnt so far; 1 is LRU. */
  get windowShare(): number {
    return this.#residents.windowShare;
  }

  /** The entry in this slot was asked for and served. */
  hit(slot: number): void {
    const { slots } = this.#residents;
    const hash = slots.hash(slot);
    this.#sketch.add(hash);
    if (this.#advisor.follows(hash)) this.#ask(hash, slots.bytesOf(slot), slots.worth(slot), slot);
    this.#residents.hit(slot);
  }

  /**
   * A new entry, after a request that found none.
   * @param hash 32 bits of its key, evenly spread.
   * @param worth What one hit saves, in any unit, the same for all; undefined or unreal counts as the usual one.
   * @returns the slot, or `none` (-1) where it is not kept: too large, or not worth who would have to go.
   */
  add(hash: number, bytes: number, worth?: number): number {
    const size = sizeOf(bytes);
    const noted = this.#worths.noted(worth);
    this.#sketch.add(hash);
    if (this.#advisor.follows(hash)) this.#ask(hash, size, noted, none);
    const slot = this.#residents.add(hash, size, noted);
    if (slot !== none) this.#advisor.settle(hash, slot);
    this.#sketch.fit(this.entries);
    return slot;
  }

  /** The entry has new contents. False if it is not kept with them; then the slot is free. */
  replace(slot: number, bytes: number, worth?: number): boolean {
    const size = sizeOf(bytes);
    const noted = this.#worths.noted(worth);
    const hash = this.#residents.slots.hash(slot);
    this.#sketch.add(hash);
    return this.#replace(hash, slot, size, noted);
  }

  /** The entry takes other room than it did, though nobody asked for it. False if it is not worth that; then the slot is free. */
  resize(slot: number, bytes: number): boolean {
    const size = sizeOf(bytes);
    const { slots } = this.#residents;
    const [hash, worth] = [slots.hash(slot), slots.worth(slot)];
    return this.#replace(hash, slot, size, worth);
  }

  /** The entry is gone for a reason of its own: deleted, or past its time. */
  remove(slot: number): void {
    const hash = this.#residents.slots.hash(slot);
    if (this.#advisor.follows(hash)) this.#advisor.remove(hash);
    this.#residents.remove(slot);
  }

  /** Empties everything; what was learnt of keys is forgotten too. */
  clear(): void {
    this.#residents.slots.clear();
    this.#advisor.clear();
    this.#sketch.clear();
  }

  #replace(hash: number, slot: number, bytes: number, worth: number): boolean {
    if (this.#advisor.follows(hash)) this.#advisor.replace(hash, bytes, worth);
    const isKept = this.#residents.replace(slot, bytes, worth);
    this.#advisor.settle(hash, isKept ? slot : none);
    return isKept;
  }

  #ask(hash: number, bytes: number, worth: number, slot: number): void {
    this.#advisor.request(hash, bytes, worth, slot);
    this.#residents.windowShare = this.#advisor.windowShare;
  }
}

function drawn(random: Random): number {
  return Math.floor(random.next() * 2 ** 32) | 0;
}

/** Whole bytes, at least one; what is no size is larger than any cache. */
function sizeOf(bytes: number): number {
  return bytes >= 0 ? Math.max(1, Math.ceil(bytes)) : Infinity;
}
