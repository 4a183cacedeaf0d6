import { none } from './slot-lists.ts';
import type { Shadow } from './shadow.ts';

/** What LRU may be ahead of us: a share of all requests so far, and a hit. */
const allowedShare = 0.005;
const allowedHits = 1;
/** Being ahead of LRU counts up to so many hits for each entry: old merits must not pay for what is lost for long. */
const meritPerEntry = 0.5;
/** While LRU hits less than this share, what it keeps is next to worthless: so likely is it to be asked for in time. */
export const useless = 0.02;
const chanceIfUseless = 0.015;
/** Else it is likelier by so much than what LRU hits of all requests, since requests of one kind come together. */
const caution = 2;

/**
 * What plain LRU would have kept and saved beside us, as far as keys are followed. Of what it would have and we gave up, each entry may cost
 * a hit until LRU lets it go too, and no more: so what we lost and what we have at risk, together, bound how far we may ever fall behind LRU.
 */
export class LruAccount {
  readonly #lru: Shadow;
  /** Told the slot of one of our entries that LRU has just let go, and with it all that were used before. */
  readonly #passed: (slot: number) => void;
  /** Hashes of what LRU would keep, and the slots where we have it, or `none`. */
  readonly #kept = new Map<number, number>();
  /** Of those, how many we have not. */
  #missing = 0;
  /** What all requests would have saved, what LRU would have, and how much more that is than ours, in hits of usual worth; nothing fades. */
  #asked = 0;
  #saved = 0;
  #behind = 0;

  constructor(lru: Shadow, passed: (slot: number) => void) {
    this.#lru = lru;
    this.#passed = passed;
  }

  /** A request that LRU would have served, or not, and likewise we. */
  asked(saving: number, isLruHit: boolean, isServed: boolean): void {
    this.#asked += saving;
    if (isLruHit) this.#saved += saving;
    if (isLruHit === isServed) return;
    const behind = this.#behind + (isLruHit ? saving : -saving);
    this.#behind = Math.max(behind, -meritPerEntry * this.#lru.entries);
  }

  /**
   * Whether LRU would keep this key and giving it up might leave us too far behind. For keys that are not followed it depends on the others.
   * @param lruShare what LRU hits of all requests lately.
   */
  isTooDear(hash: number, isFollowed: boolean, lruShare: number): boolean {
    if (isFollowed && !this.#kept.has(hash)) return false;
    const share = Math.max(lruShare, this.#saved / Math.max(1, this.#asked));
    const chance = share <= useless ? chanceIfUseless : Math.min(1, caution * share);
    const atRisk = (this.#missing + 1) * chance;
    return this.#behind + atRisk > allowedShare * this.#asked + allowedHits;
  }

  /** We have this key in this slot now, or have it no more (`none`); LRU may have changed what it does with it. */
  settle(hash: number, slot: number): void {
    const former = this.#kept.get(hash);
    if (former === none) this.#missing--;
    if (this.#lru.has(hash)) {
      this.#kept.set(hash, slot);
      if (slot === none) this.#missing++;
    } else if (former !== undefined) this.#kept.delete(hash);
  }

  /** LRU has let the key with this hash go. */
  lruEvicted(hash: number): void {
    const slot = this.#kept.get(hash);
    this.#kept.delete(hash);
    if (slot === none) this.#missing--;
    else if (slot !== undefined) this.#passed(slot);
  }

  /** Half of the keys are followed no more: those that LRU's shadow has not any more. */
  halve(): void {
    this.#asked /= 2;
    this.#saved /= 2;
    this.#behind /= 2;
    for (const [hash, slot] of this.#kept) this.settle(hash, slot);
  }

  clear(): void {
    this.#kept.clear();
    this.#missing = 0;
  }
}
