import type { Limits } from './limits.ts';
import { LruAccount, useless } from './lru-account.ts';
import { wholeCache } from './residents.ts';
import { Shadow } from './shadow.ts';
import { none } from './slot-lists.ts';
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
/** LRU needs less of a lead. While it is useless, any other takes over that has any. */
const leadHitsOfLru = 2;
const leadHitsPerEntryOfLru = 0.002;

/**
 * Tries windows of several sizes side by side on a part of the requests, in shadows without values, and tells which one saves most. It begins
 * with LRU, and whatever the window, it tells which entries must stay so that we never fall far behind LRU (`LruAccount`).
 */
export class Advisor {
  #limits: Limits;
  readonly #judges: Judges;
  readonly #shadows: readonly Shadow[];
  readonly #account: LruAccount;
  /** Savings of each lately, in hits of usual worth. */
  readonly #savings = new Float64Array(windowShares.length);
  /** Requests lately. */
  #requests = 0;
  #current = lru;
  /** Of the keys, those whose hash has zeros here are followed. */
  #mask = 0;

  /** @param passed told the slot of one of our entries that LRU would have no more, nor any that were used before it. */
  constructor(limits: Limits, judges: Judges, passed: (slot: number) => void) {
    this.#limits = limits;
    this.#judges = judges;
    const evicted = (hash: number) => this.#account.lruEvicted(hash);
    this.#shadows = windowShares.map(
      (share, which) => new Shadow(limits, judges, share, which === lru ? evicted : undefined),
    );
    this.#account = new LruAccount(this.#shadows[lru]!, passed);
  }

  /** The window that is best as far as we know. */
  get windowShare(): number {
    return windowShares[this.#current]!;
  }

  follows(hash: number): boolean {
    return (hash & this.#mask) === 0;
  }

  /** Whether a cache that had the present window always would keep this key; undefined if it is not followed. */
  wouldKeep(hash: number): boolean | undefined {
    return this.follows(hash) ? this.#shadows[this.#current]!.has(hash) : undefined;
  }

  /** Whether giving up this key might leave us too far behind LRU, which would keep it. */
  isTooDear(hash: number): boolean {
    return this.#account.isTooDear(hash, this.follows(hash), this.#lruShare);
  }

  /** A request for a key that is followed; `worth` as it was noted; the slot where we have it, or `none`. */
  request(hash: number, bytes: number, worth: number, slot: number): void {
    const saving = this.#judges.worths.relative(worth);
    const entries = this.#shadows[lru]!.entries;
    const fading = 1 - 1 / Math.max(memoryLeast, memoryPerEntry * entries);
    const ask = (which: number) => {
      const isThere = this.#shadows[which]!.request(hash, bytes, worth);
      this.#savings[which] = this.#savings[which]! * fading + (isThere ? saving : 0);
      return isThere;
    };
    this.#account.asked(saving, ask(lru), slot !== none);
    this.#account.settle(hash, slot);
    let best = lru;
    for (let which = 0; which < lru; which++) {
      ask(which);
      if (this.#savings[which]! > this.#savings[best]!) best = which;
    }
    this.#requests = this.#requests * fading + 1;
    this.#mayTurn(best, entries);
    if (entries > shadowEntries) this.#followHalf();
  }

  /** We have this key in this slot now, or no more (`none`). */
  settle(hash: number, slot: number): void {
    if (this.follows(hash)) this.#account.settle(hash, slot);
  }

  replace(hash: number, bytes: number, worth: number): void {
    for (const shadow of this.#shadows) shadow.replace(hash, bytes, worth);
  }

  remove(hash: number): void {
    for (const shadow of this.#shadows) shadow.remove(hash);
    this.#account.settle(hash, none);
  }

  clear(): void {
    for (const shadow of this.#shadows) shadow.clear();
    this.#account.clear();
  }

  #mayTurn(best: number, entries: number): void {
    const lead = this.#savings[best]! - this.#savings[this.#current]!;
    const perEntry = best === lru ? leadHitsPerEntryOfLru : leadHitsPerEntry;
    const hits = best === lru ? leadHitsOfLru : leadHits;
    const clearLead = leadShare * this.#requests + hits + perEntry * entries;
    const mayLeaveAtOnce = this.#current === lru && this.#lruShare <= useless;
    if (lead > (mayLeaveAtOnce ? 0 : clearLead)) this.#current = best;
  }

  /** What LRU saves of all requests lately. */
  get #lruShare(): number {
    return this.#savings[lru]! / Math.max(1, this.#requests);
  }

  #followHalf(): void {
    this.#mask = (this.#mask << 1) | 1;
    this.#requests /= 2;
    for (let which = 0; which < windowShares.length; which++) this.#savings[which]! /= 2;
    const { maxEntries, maxBytes } = this.#limits;
    this.#limits = { maxEntries: Math.max(1, maxEntries / 2), maxBytes: maxBytes / 2 };
    for (const shadow of this.#shadows) shadow.shrink(this.#limits, (hash) => this.follows(hash));
    this.#account.halve();
  }
}
