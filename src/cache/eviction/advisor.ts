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

/** While LRU hits less than this share, nothing is lost by leaving it. */
const nothing = 0.02;
/** A window takes over when it has saved so much more than the present one: a share of the requests, and some hits. */
const leadShare = 0.004;
const leadHits = 3;
const leadHitsPerEntry = 0.02;
/** LRU needs less of a lead: falling behind it is what this is to prevent. */
const leadHitsOfLru = 2;
const leadHitsPerEntryOfLru = 0.002;
/** To leave LRU, a lead must be so many times what chance makes of the hits that only one of the two had; more where it is dear to be wrong. */
const leadOverChance = 3;
const leadOverChanceIfDear = 8;
/** Being wrong is dear if it may leave us more than this share of all requests behind LRU. */
const dearShare = 0.005;
/** We return to LRU when behind it by this share of all requests so far, and leave it only when behind by less than that. */
const behindMost = 0.003;
const behindToLeave = 0.002;

/**
 * Tries windows of several sizes side by side on a part of the requests, in shadows without values, and tells which one saves most. It begins
 * with LRU, leaves it on clear evidence, and keeps account of what LRU would have saved, to be back before we are far behind it.
 */
export class Advisor {
  #limits: Limits;
  readonly #judges: Judges;
  readonly #shadows: readonly Shadow[];
  /** Savings of each lately, in hits of usual worth; and of what they saved and LRU did not, or the other way round, the sum. */
  readonly #savings = new Float64Array(windowShares.length);
  readonly #differing = new Float64Array(windowShares.length);
  /** Requests lately, and those of them since the shadows first differed. */
  #requests = 0;
  #comparable = 0;
  /** What all requests would have saved, and how much more LRU would have than we did; neither fades. */
  #asked = 0;
  #behind = 0;
  #current = lru;
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

  /** Whether a cache that had the present window always would keep this key; undefined if it is not followed. */
  wouldKeep(hash: number): boolean | undefined {
    return this.follows(hash) ? this.#shadows[this.#current]!.has(hash) : undefined;
  }

  /** A request for a key that is followed; `worth` as it was noted. `isServed` tells whether we had it. */
  request(hash: number, bytes: number, worth: number, isServed: boolean): void {
    const saving = this.#judges.worths.relative(worth);
    const entries = this.#shadows[lru]!.entries;
    const fading = 1 - 1 / Math.max(memoryLeast, memoryPerEntry * entries);
    const isLruHit = this.#shadows[lru]!.request(hash, bytes, worth);
    this.#savings[lru] = this.#savings[lru]! * fading + (isLruHit ? saving : 0);
    this.#asked += saving;
    if (isLruHit !== isServed) this.#behind += isLruHit ? saving : -saving;
    let best = lru;
    for (let which = 0; which < lru; which++) {
      const isHit = this.#shadows[which]!.request(hash, bytes, worth);
      this.#savings[which] = this.#savings[which]! * fading + (isHit ? saving : 0);
      this.#differing[which] = this.#differing[which]! * fading + (isHit === isLruHit ? 0 : saving);
      if (this.#savings[which]! > this.#savings[best]!) best = which;
    }
    this.#requests = this.#requests * fading + 1;
    this.#comparable = this.#differing[0] === 0 ? 0 : this.#comparable * fading + 1;
    if (this.#current !== lru) this.#mayTurn(best, entries);
    else if (this.#mayLeaveLru(best, entries)) this.#current = best === lru ? 0 : best;
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

  #mayTurn(best: number, entries: number): void {
    const isUndecided = this.#differing[this.#current] === 0 && !this.#isLruUseless;
    const lead = this.#lead(best);
    const leadOfLru = leadShare * this.#requests + leadHitsOfLru + leadHitsPerEntryOfLru * entries;
    if (isUndecided || this.#behind > behindMost * this.#asked) this.#current = lru;
    else if (lead > (best === lru ? leadOfLru : this.#clearLead(entries))) this.#current = best;
  }

  #mayLeaveLru(best: number, entries: number): boolean {
    if (this.#behind >= behindToLeave * this.#asked) return false;
    if (this.#isLruUseless) return true;
    const lead = this.#lead(best);
    if (lead <= this.#clearLead(entries)) return false;
    const differing = this.#differing[best]!;
    // If we have to return, we miss what LRU alone would have hit until its contents are ours: about as long as it takes to miss once an entry.
    const onlyLru = (differing - lead) / 2 + 1;
    const misses = Math.max(1, this.#comparable - this.#savings[lru]!);
    const isDear = this.#behind + (onlyLru * entries) / misses > dearShare * this.#asked;
    return lead > (isDear ? leadOverChanceIfDear : leadOverChance) * Math.sqrt(differing);
  }

  get #isLruUseless(): boolean {
    return this.#savings[lru]! <= nothing * this.#requests;
  }

  #lead(which: number): number {
    return this.#savings[which]! - this.#savings[this.#current]!;
  }

  #clearLead(entries: number): number {
    return leadShare * this.#requests + leadHits + leadHitsPerEntry * entries;
  }

  #followHalf(): void {
    this.#mask = (this.#mask << 1) | 1;
    this.#requests /= 2;
    this.#comparable /= 2;
    this.#asked /= 2;
    this.#behind /= 2;
    for (let which = 0; which < windowShares.length; which++) {
      this.#savings[which]! /= 2;
      this.#differing[which]! /= 2;
    }
    const { maxEntries, maxBytes } = this.#limits;
    this.#limits = { maxEntries: Math.max(1, maxEntries / 2), maxBytes: maxBytes / 2 };
    for (const shadow of this.#shadows) shadow.shrink(this.#limits, (hash) => this.follows(hash));
  }
}
