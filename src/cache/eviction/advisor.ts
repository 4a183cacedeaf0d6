import type { Limits } from './limits.ts';
import { wholeCache } from './residents.ts';
import { Shadow } from './shadow.ts';
import type { Judges } from './victim-walk.ts';

/** Windows on trial, as shares of the cache: from nearly pure frequency to pure recency (LRU), which is the last. */
const windowShares = [0.003, 0.05, 0.2, 0.6, wholeCache];
const lru = windowShares.length - 1;

/** A shadow keeps no more entries than this; of a larger cache it sees a part of the keys, and has room for that part. */
const shadowEntries = 2048;
/** Requests over which a shadow's savings fade, in requests for each entry it keeps, and at least. */
const memoryPerEntry = 10;
const memoryLeast = 500;

/** A window takes over when it has saved so much more than the present one: a share of the requests, and some hits. */
const leadShare = 0.004;
const leadHits = 3;
const leadHitsPerEntry = 0.02;
/** LRU needs less of a lead: falling behind it is what this is to prevent. */
const leadHitsOfLru = 2;
const leadHitsPerEntryOfLru = 0.002;

/** Tries windows of several sizes side by side on a part of the requests, in shadows without values, and tells which one saves most. */
export class Advisor {
  #limits: Limits;
  readonly #judges: Judges;
  readonly #shadows: readonly Shadow[];
  /** Savings of each lately, in hits of usual worth. */
  readonly #savings = new Float64Array(windowShares.length);
  #requests = 0;
  #current = 0;
  /** Of the keys, those whose hash has zeros here are followed. */
  #mask = 0;

  constructor(limits: Limits, judges: Judges) {
    this.#limits = limits;
    this.#judges = judges;
    this.#shadows = windowShares.map((share) => new Shadow(limits, judges, share));
  }

  /** The window that is best as far as we know. */
  get windowShare(): number {
    return windowShares[this.#current]!;
  }

  follows(hash: number): boolean {
    return (hash & this.#mask) === 0;
  }

  /** A request for a key that is followed; `worth` as it was noted. */
  request(hash: number, bytes: number, worth: number): void {
    const saving = this.#judges.worths.relative(worth);
    const entries = this.#shadows[lru]!.entries;
    const fading = 1 - 1 / Math.max(memoryLeast, memoryPerEntry * entries);
    this.#requests = this.#requests * fading + 1;
    let best = 0;
    for (let which = 0; which < this.#shadows.length; which++) {
      const isHit = this.#shadows[which]!.request(hash, bytes, worth);
      this.#savings[which] = this.#savings[which]! * fading + (isHit ? saving : 0);
      if (this.#savings[which]! > this.#savings[best]!) best = which;
    }
    if (best !== this.#current && this.#leads(best, entries)) this.#current = best;
    if (entries > shadowEntries) this.#followHalf();
  }

  replace(hash: number, bytes: number, worth: number): void {
    for (const shadow of this.#shadows) shadow.replace(hash, bytes, worth);
  }

  remove(hash: number): void {
    for (const shadow of this.#shadows) shadow.remove(hash);
  }

  clear(): void {
    for (const shadow of this.#shadows) shadow.clear();
  }

  #leads(which: number, entries: number): boolean {
    const hits =
      which === lru
        ? leadHitsOfLru + leadHitsPerEntryOfLru * entries
        : leadHits + leadHitsPerEntry * entries;
    const lead = this.#savings[which]! - this.#savings[this.#current]!;
    return lead > leadShare * this.#requests + hits;
  }

  #followHalf(): void {
    this.#mask = (this.#mask << 1) | 1;
    this.#requests /= 2;
    for (let which = 0; which < this.#savings.length; which++) this.#savings[which]! /= 2;
    const { maxEntries, maxBytes } = this.#limits;
    this.#limits = { maxEntries: Math.max(1, maxEntries / 2), maxBytes: maxBytes / 2 };
    for (const shadow of this.#shadows) shadow.shrink(this.#limits, (hash) => this.follows(hash));
  }
}
