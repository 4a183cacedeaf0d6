import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import { TierGuard, type GuardCounts, type GuardLimits } from './tier-guard.ts';
import type { Awaitable, CacheEntry, CacheTier, TierStats } from './tier.ts';

export interface CacheStackOptions {
  /** The fastest first. */
  readonly tiers: readonly CacheTier[];
  readonly clock: Clock;
  readonly signals: Signals;
  /** What differs from `defaultGuardLimits`. */
  readonly limits?: Partial<GuardLimits>;
}

export const defaultGuardLimits: GuardLimits = {
  lookupTimeoutMs: 20,
  storeTimeoutMs: 1000,
  failuresMax: 5,
  coolDownMs: 5000,
};

/** A stored answer and the tier that had it. */
export interface Found {
  readonly entry: CacheEntry;
  readonly tier: string;
}

export interface TierReport extends GuardCounts {
  readonly tier: string;
  /** Undefined where the tier cannot tell just now. */
  readonly stats: TierStats | undefined;
}

/** A walk through tiers that do not answer at once; later callers for the same key share it. */
interface Search {
  readonly promise: Promise<Found | undefined>;
}

/**
 * The tiers as one cache. A lookup goes from the fastest to the slowest; what a slower one has is given to those before it, with
 * its own times, so that moving up never makes an answer younger. No tier's failure is a call's failure.
 */
export class CacheStack {
  readonly #guards: readonly TierGuard[];
  readonly #searches = new Map<string, Search>();
  readonly #stores = new Set<Promise<void>>();

  constructor({ tiers, clock, signals, limits }: CacheStackOptions) {
    const merged = { ...defaultGuardLimits, ...limits };
    this.#guards = tiers.map((tier) => new TierGuard({ tier, clock, signals, limits: merged }));
  }

  /** The stored answer, past its freshness or not; now where a tier answers now. Never throws. */
  find(key: string): Awaitable<Found | undefined> {
    const underWay = this.#searches.get(key);
    if (underWay !== undefined) return underWay.promise;
    for (let level = 0; level < this.#guards.length; level++) {
      const entry = this.#guards[level]!.get(key);
      if (entry instanceof Promise) return this.#beginSearch(key, level, entry);
      if (entry !== undefined) return this.#found(level, entry);
    }
    return undefined;
  }

  /** The same from one tier only, whatever those before it have. */
  async findIn(name: string, key: string): Promise<Found | undefined> {
    const level = this.#guards.findIndex(({ tier }) => tier.name === name);
    const entry = await this.#guards[level]?.get(key);
    return entry === undefined ? undefined : this.#found(level, entry);
  }

  /** Whether the last lookup in this tier ended well. */
  isWell(name: string): boolean {
    return this.#guards.some(({ tier, isWell }) => tier.name === name && isWell);
  }

  /** Gives the entry to all tiers. Never throws, and nobody need wait: `flush` does. */
  store(entry: CacheEntry): void {
    // A search that is under way must not put what it finds in the place of this.
    this.#searches.delete(entry.key);
    this.#give(entry, this.#guards.length);
  }

  /**
   * True if a tier had the entry.
   * @throws EconomizerError `ECO_CACHE_PURGE` where a tier failed: it may still have it.
   */
  async delete(key: string): Promise<boolean> {
    this.#searches.delete(key);
    const existed = await this.#insistOnAll('delete', (tier) => tier.delete(key));
    return existed.includes(true);
  }

  /** @throws EconomizerError `ECO_CACHE_PURGE` where a tier failed: it may still have entries. */
  async clear(): Promise<void> {
    this.#searches.clear();
    await this.#insistOnAll('clear', (tier) => tier.clear());
  }

  stats(): Promise<readonly TierReport[]> {
    return Promise.all(
      this.#guards.map(async (guard) => {
        const { tier, counts } = guard;
        const asked = guard.insist('stats', () => tier.stats());
        // The guard has told of the failure; the report shows it as a gap.
        const stats = await asked.catch(() => undefined);
        return { tier: tier.name, stats, ...counts };
      }),
    );
  }

  /** Resolves when all that was stored before would survive the end of the process. A tier's failure is a signal. */
  async flush(): Promise<void> {
    await Promise.all(this.#stores);
    await this.#tryAll('flush', (tier) => tier.flush());
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores);
    await this.#tryAll('close', (tier) => tier.close());
  }

  #beginSearch(
    key: string,
    level: number,
    first: Promise<CacheEntry | undefined>,
  ): Promise<Found | undefined> {
    const search: Search = { promise: this.#search(key, level, first, () => search) };
    this.#searches.set(key, search);
    return search.promise;
  }

  async #search(
    key: string,
    from: number,
    first: Promise<CacheEntry | undefined>,
    self: () => Search,
  ): Promise<Found | undefined> {
    let level = from;
    let entry = await first;
    while (entry === undefined && ++level < this.#guards.length) {
      entry = await this.#guards[level]!.get(key);
    }
    const isOvertaken = this.#searches.get(key) !== self();
    if (!isOvertaken) this.#searches.delete(key);
    if (entry === undefined) return undefined;
    return isOvertaken ? { entry, tier: this.#nameOf(level) } : this.#found(level, entry);
  }

  #found(level: number, entry: CacheEntry): Found {
    this.#give(entry, level);
    return { entry, tier: this.#nameOf(level) };
  }

  /** Gives the entry to the first tiers, up to but without `end`. */
  #give(entry: CacheEntry, end: number): void {
    for (let level = 0; level < end; level++) {
      const done = this.#guards[level]!.set(entry);
      if (!(done instanceof Promise)) continue;
      const tracked = done.finally(() => this.#stores.delete(tracked));
      this.#stores.add(tracked);
    }
  }

  #nameOf(level: number): string {
    return this.#guards[level]!.tier.name;
  }

  async #insistOnAll<Value>(
    operation: string,
    act: (tier: CacheTier) => Awaitable<Value>,
  ): Promise<Value[]> {
    const results = await this.#onAll(operation, act);
    const failures = results.filter((result) => result.status === 'rejected');
    if (failures.length > 0) {
      const names = this.#guards
        .filter((_guard, index) => results[index]!.status === 'rejected')
        .map(({ tier }) => tier.name);
      throw new EconomizerError(
        'ECO_CACHE_PURGE',
        `The cache tier ${names.join(' and ')} failed to ${operation}; it may still hold what should be gone. Try again.`,
        { cause: failures[0]!.reason },
      );
    }
    return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  /** The guard has told of each failure. */
  async #tryAll(operation: string, act: (tier: CacheTier) => Promise<void>): Promise<void> {
    await this.#onAll(operation, act);
  }

  #onAll<Value>(
    operation: string,
    act: (tier: CacheTier) => Awaitable<Value>,
  ): Promise<PromiseSettledResult<Value>[]> {
    return Promise.allSettled(
      this.#guards.map((guard) => guard.insist(operation, () => act(guard.tier))),
    );
  }
}
