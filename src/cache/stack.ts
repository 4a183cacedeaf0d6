import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import type { PurgeView } from './invalidation/purge-watch.ts';
import type { Purged } from './invalidation/purge-table.ts';
import { TierGuard, type GuardCounts, type GuardLimits } from './tier-guard.ts';
import type { Awaitable, CacheEntry, CacheTier, TierStats } from './tier.ts';

export interface CacheStackOptions {
  /** The fastest first. */
  readonly tiers: readonly CacheTier[];
  readonly clock: Clock;
  readonly signals: Signals;
  /** What differs from `defaultGuardLimits`. */
  readonly limits?: Partial<GuardLimits>;
  /** Held against each entry that a tier gives; undefined: nothing is ever purged. */
  readonly purges?: PurgeView | undefined;
}

/** Which tiers a call may use, and on whose behalf. */
export interface StackAccess {
  /** Names of tiers; undefined: all. */
  readonly levels?: ReadonlySet<string> | undefined;
  /** The caller's tenant, where it may differ from that of the entry. */
  readonly reader?: string | undefined;
}

const anyAccess: StackAccess = {};

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
  readonly access: StackAccess;
  readonly promise: Promise<Found | undefined>;
}

/**
 * The tiers as one cache. A lookup goes from the fastest to the slowest; what a slower one has is given to those before it, with
 * its own times, so that moving up never makes an answer younger. No tier's failure is a call's failure.
 */
export class CacheStack {
  readonly #guards: readonly TierGuard[];
  readonly #purges: PurgeView | undefined;
  readonly #searches = new Map<string, Search>();
  readonly #stores = new Set<Promise<void>>();

  constructor({ tiers, clock, signals, limits, purges }: CacheStackOptions) {
    this.#purges = purges;
    const merged = { ...defaultGuardLimits, ...limits };
    this.#guards = tiers.map((tier) => new TierGuard({ tier, clock, signals, limits: merged }));
  }

  /** The stored answer, past its freshness or not; now where a tier answers now. Never throws. */
  find(key: string, access: StackAccess = anyAccess): Awaitable<Found | undefined> {
    const underWay = this.#searches.get(key);
    if (underWay !== undefined && sameAccess(underWay.access, access)) return underWay.promise;
    for (let level = 0; level < this.#guards.length; level++) {
      if (!this.#mayAsk(level, access)) continue;
      const given = this.#guards[level]!.get(key);
      if (given instanceof Promise) return this.#beginSearch(key, level, given, access);
      const entry = given && this.#unpurged(level, given, access);
      if (entry !== undefined) return this.#found(level, entry, access);
    }
    return undefined;
  }

  /** The same from one tier only, whatever those before it have. @param limitMs for how long, where that is less than usual. */
  async findIn(
    name: string,
    key: string,
    { access = anyAccess, limitMs }: { access?: StackAccess | undefined; limitMs?: number } = {},
  ): Promise<Found | undefined> {
    const level = this.#guards.findIndex(({ tier }) => tier.name === name);
    if (level < 0 || !this.#mayAsk(level, access)) return undefined;
    const given = await this.#guards[level]!.get(key, limitMs);
    const entry = given && this.#unpurged(level, given, access);
    return entry && this.#found(level, entry, access);
  }

  /** Whether the last lookup in this tier ended well. */
  isWell(name: string): boolean {
    return this.#guards.some(({ tier, isWell }) => tier.name === name && isWell);
  }

  /** Gives the entry to the tiers that it is for. Never throws, and nobody need wait: `flush` does. */
  store(entry: CacheEntry, access: StackAccess = anyAccess): void {
    // A search that is under way must not put what it finds in the place of this.
    this.#searches.delete(entry.key);
    this.#give(entry, this.#guards.length, access);
  }

  /** Forgets what this process alone holds of an entry, and what its own disk does. A tier's failure is a signal. */
  async drop(key: string): Promise<void> {
    this.#searches.delete(key);
    await this.#onAll('delete', (tier) => (tier.shared === true ? false : tier.delete(key)));
  }

  /** Empties the tiers in memory, whose entries may have been purged elsewhere without our hearing. A tier's failure is a signal. */
  async forget(name: string): Promise<void> {
    this.#searches.clear();
    await this.#onAll('clear', (tier) => (tier.name === name ? tier.clear() : undefined));
  }

  /** Goes through the tiers for what was purged; see `CacheTier.sweep`. Entries by tier; undefined where a tier cannot tell. */
  async sweep(
    purges: readonly Purged[],
    options: { readonly remove: boolean; readonly own?: boolean },
  ): Promise<Readonly<Record<string, number | undefined>>> {
    const found = await Promise.all(
      this.#guards.map(async (guard) => {
        const { tier } = guard;
        if (tier.sweep === undefined || (options.own === true && tier.shared === true)) {
          return [tier.name, undefined] as const;
        }
        // The guard has told of a failure; the count shows it as a gap.
        const swept = guard.insist('sweep', () => tier.sweep!(purges, options));
        return [tier.name, await swept.catch(() => undefined)] as const;
      }),
    );
    return Object.fromEntries(found);
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
    access: StackAccess,
  ): Promise<Found | undefined> {
    const search: Search = {
      access,
      promise: this.#search({ key, access, level }, first, () => search),
    };
    this.#searches.set(key, search);
    return search.promise;
  }

  async #search(
    { key, access, level: from }: { key: string; access: StackAccess; level: number },
    first: Promise<CacheEntry | undefined>,
    self: () => Search,
  ): Promise<Found | undefined> {
    let level = from;
    let given = await first;
    let entry = given && this.#unpurged(level, given, access);
    while (entry === undefined && ++level < this.#guards.length) {
      if (!this.#mayAsk(level, access)) continue;
      given = await this.#guards[level]!.get(key);
      entry = given && this.#unpurged(level, given, access);
    }
    const isOvertaken = this.#searches.get(key) !== self();
    if (!isOvertaken) this.#searches.delete(key);
    if (entry === undefined) return undefined;
    return isOvertaken ? { entry, tier: this.#nameOf(level) } : this.#found(level, entry, access);
  }

  #found(level: number, entry: CacheEntry, access: StackAccess): Found {
    this.#give(entry, level, access);
    return { entry, tier: this.#nameOf(level) };
  }

  /** What others write to is not asked while we may not know what they purged. */
  #mayAsk(level: number, { levels }: StackAccess): boolean {
    const { name, shared } = this.#guards[level]!.tier;
    if (levels !== undefined && !levels.has(name)) return false;
    return shared !== true || this.#purges === undefined || this.#purges.inStep;
  }

  /** The entry, unless it was purged; with an earlier end of its freshness where it was purged softly. */
  #unpurged(level: number, entry: CacheEntry, { reader }: StackAccess): CacheEntry | undefined {
    if (this.#purges === undefined) return entry;
    const { shared = false } = this.#guards[level]!.tier;
    const verdict = this.#purges.judge(entry, { shared, reader });
    if (verdict.kind === 'kept') return entry;
    return verdict.kind === 'gone' ? undefined : staleSince(entry, verdict.since);
  }

  /** Gives the entry to the first tiers, up to but without `end`. */
  #give(entry: CacheEntry, end: number, { levels }: StackAccess): void {
    for (let level = 0; level < end; level++) {
      if (levels !== undefined && !levels.has(this.#nameOf(level))) continue;
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

function sameAccess(one: StackAccess, other: StackAccess): boolean {
  return one === other || (one.levels === other.levels && one.reader === other.reader);
}

/** Its grace runs from then on. */
function staleSince(entry: CacheEntry, since: number): CacheEntry {
  if (since >= entry.freshUntil) return entry;
  const staleUntil = since + (entry.staleUntil - entry.freshUntil);
  return { ...entry, freshUntil: since, staleUntil };
}
