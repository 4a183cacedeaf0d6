import { beladyHits, nextUses } from './belady.ts';
import { Lru } from './lru.ts';
import { Ours } from './ours.ts';
import type { SimulatedCache } from './simulated.ts';
import { Trace } from './trace.ts';
import { savingBound } from './upper-bound.ts';

/** Shares of what was asked for that came from the cache, 0 to 1. */
export interface Ratios {
  readonly ours: number;
  readonly lru: number;
  readonly belady: number;
}

export interface EvictionResult {
  readonly requests: number;
  readonly uniqueKeys: number;
  /** Of requests. */
  readonly hits: Ratios;
  /** Of bytes, where the capacity is one of bytes. */
  readonly bytes: Ratios | undefined;
  /** Of what hits can save, where the requests say so. */
  readonly worth: Ratios | undefined;
}

/** What came from a cache so far. */
class Tally {
  hits = 0;
  bytes = 0;
  worth = 0;
  readonly #cache: SimulatedCache;

  constructor(cache: SimulatedCache) {
    this.#cache = cache;
  }

  request(key: number, bytes: number, worth: number): void {
    if (!this.#cache.request(key, bytes, worth)) return;
    this.hits++;
    this.bytes += bytes;
    this.worth += worth;
  }
}

/** Holds requests, in order, against our eviction, LRU and the best that is possible. */
export class Evaluation {
  readonly #trace = new Trace();
  readonly #capacity: number;
  readonly #isByBytes: boolean;
  readonly #ours: Tally;
  readonly #lru: Tally;
  #bytes = 0;
  #worth = 0;

  /** @param capacity entries; bytes, if `isByBytes`: else all entries are alike, whatever is said of them. */
  constructor(capacity: number, isByBytes: boolean) {
    this.#capacity = capacity;
    this.#isByBytes = isByBytes;
    const limits = isByBytes
      ? { maxEntries: Infinity, maxBytes: capacity }
      : { maxEntries: capacity, maxBytes: Infinity };
    this.#ours = new Tally(new Ours(limits));
    this.#lru = new Tally(new Lru(limits));
  }

  get requests(): number {
    return this.#trace.requests;
  }

  add(key: string, bytes = 1, worth = 1): void {
    const [size, saving] = this.#isByBytes ? [bytes, worth] : [1, 1];
    const number = this.#trace.add(key, size, saving);
    this.#ours.request(number, size, saving);
    this.#lru.request(number, size, saving);
    this.#bytes += size;
    this.#worth += saving;
  }

  /** The optimum is Belady's; by bytes a bound from above stands in its place, see `savingBound`. */
  result(): EvictionResult {
    const trace = this.#trace;
    const next = nextUses(trace.keys, trace.uniqueKeys);
    const [ours, lru] = [this.#ours, this.#lru];
    const of = (what: 'hits' | 'bytes' | 'worth', all: number, best: number): Ratios => ({
      ours: ours[what] / all,
      lru: lru[what] / all,
      belady: best / all,
    });
    const bound = (saving: (at: number) => number) =>
      savingBound(trace, next, this.#capacity, saving);
    const most = this.#isByBytes ? bound(() => 1) : beladyHits(next, this.#capacity);
    return {
      requests: trace.requests,
      uniqueKeys: trace.uniqueKeys,
      hits: of('hits', trace.requests, most),
      bytes: this.#isByBytes
        ? of(
            'bytes',
            this.#bytes,
            bound((at) => trace.bytesAt(at)),
          )
        : undefined,
      worth: trace.hasWorths
        ? of(
            'worth',
            this.#worth,
            bound((at) => trace.worthAt(at)),
          )
        : undefined,
    };
  }
}
