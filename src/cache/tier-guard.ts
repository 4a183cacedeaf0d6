import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import { Breaker } from '../kernel/breaker.ts';
import type { Awaitable, CacheEntry, CacheTier } from './tier.ts';

export interface GuardLimits {
  /** A tier that takes longer for a lookup is passed over, in milliseconds. */
  readonly lookupTimeoutMs: number;
  /** A tier that takes longer to keep an entry counts as failing, in milliseconds. */
  readonly storeTimeoutMs: number;
  /** Failures in a row after which a tier is left alone. */
  readonly failuresMax: number;
  /** How long it is left alone before it is tried once, in milliseconds. */
  readonly coolDownMs: number;
}

export interface GuardOptions {
  readonly tier: CacheTier;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly limits: GuardLimits;
}

/** What the guard of a tier has counted. */
export interface GuardCounts {
  readonly hits: number;
  readonly misses: number;
  readonly failures: number;
}

/**
 * Stands between the stack and a tier that may throw, hang or be down: whatever happens to a lookup or a store is a miss and a
 * signal. After some failures in a row the tier is left alone for a while; then one act tries it, and heals it or not.
 */
export class TierGuard {
  readonly tier: CacheTier;
  readonly #options: GuardOptions;
  readonly #lookupMs: number;
  readonly #storeMs: number;
  #hits = 0;
  #misses = 0;
  #failures = 0;
  // Apart, since a tier may take what it cannot give back: its stores must not vouch for its lookups.
  readonly #lookups: Breaker;
  readonly #stores: Breaker;

  constructor(options: GuardOptions) {
    const { tier, clock, limits } = options;
    this.tier = tier;
    this.#options = options;
    const { lookupMs, storeMs } = tier.patience ?? {};
    this.#lookupMs = lookupMs ?? limits.lookupTimeoutMs;
    this.#storeMs = storeMs ?? limits.storeTimeoutMs;
    this.#lookups = new Breaker({ clock, ...limits });
    this.#stores = new Breaker({ clock, ...limits });
  }

  get counts(): GuardCounts {
    return { hits: this.#hits, misses: this.#misses, failures: this.#failures };
  }

  /** False from a failed lookup to the next that ends well. */
  get isWell(): boolean {
    return this.#lookups.isWell;
  }

  /** Never throws; now if the tier answers now. @param limitMs less patience than usual. */
  get(key: string, limitMs?: number): Awaitable<CacheEntry | undefined> {
    if (!this.#lookups.mayTry()) return undefined;
    try {
      const answer = this.tier.get(key, limitMs);
      if (!(answer instanceof Promise)) return this.#counted(answer);
      return this.#awaitEntry(answer, Math.min(limitMs ?? Infinity, this.#lookupMs));
    } catch (error) {
      return this.#failed('get', error, this.#lookups);
    }
  }

  /** Never throws; the promise resolves when the tier is done or given up. */
  set(entry: CacheEntry): Awaitable<void> {
    if (!this.#stores.mayTry()) return undefined;
    try {
      const done = this.tier.set(entry);
      if (done instanceof Promise) return this.#awaitStore(done);
      return this.#succeeded(this.#stores);
    } catch (error) {
      return this.#failed('set', error, this.#stores);
    }
  }

  /**
   * For what must not be passed over, such as a deletion: done even while the tier is left alone, and a failure is thrown after
   * it was told.
   */
  async insist<Value>(operation: string, act: () => Awaitable<Value>): Promise<Value> {
    try {
      return await act();
    } catch (error) {
      this.#failed(operation, error);
      throw error;
    }
  }

  async #awaitEntry(
    answer: Promise<CacheEntry | undefined>,
    limitMs: number,
  ): Promise<CacheEntry | undefined> {
    try {
      return this.#counted(await this.#within(limitMs, answer));
    } catch (error) {
      return this.#failed('get', error, this.#lookups);
    }
  }

  async #awaitStore(done: Promise<void>): Promise<void> {
    try {
      await this.#within(this.#storeMs, done);
      this.#succeeded(this.#stores);
    } catch (error) {
      this.#failed('set', error, this.#stores);
    }
  }

  /** What comes too late is dropped, its failure included: the time limit has been told already. */
  #within<Value>(limitMs: number, promise: Promise<Value>): Promise<Value> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      let cancel = (): void => {};
      const arm = (chances: number): void => {
        const from = clock.tick();
        cancel = clock.after(limitMs, () => {
          const wasBusy = clock.tick() - from > limitMs + latenessMs;
          if (wasBusy && chances > 0) arm(chances - 1);
          else reject(tooSlow(this.tier, limitMs));
        });
      };
      arm(chancesMax);
      promise.then(resolve, reject).finally(() => cancel());
    });
  }

  #counted(entry: CacheEntry | undefined): CacheEntry | undefined {
    if (entry === undefined) this.#misses++;
    else this.#hits++;
    this.#succeeded(this.#lookups);
    return entry;
  }

  #succeeded(breaker: Breaker): void {
    if (breaker.succeeded()) this.#options.signals.emit('part-healed', { part: partOf(this.tier) });
  }

  #failed(operation: string, error: unknown, breaker?: Breaker): undefined {
    this.#failures++;
    breaker?.failed();
    this.#options.signals.emit('part-failed', { part: partOf(this.tier), operation, error });
  }
}

/**
 * A timer that fires later than this, in milliseconds, tells that the event loop was held up, not that the tier was slow: its answer may
 * lie unread. It gets its time again, so many times.
 */
const latenessMs = 5;
const chancesMax = 4;

function partOf(tier: CacheTier): string {
  return `cache.${tier.name}`;
}

function tooSlow(tier: CacheTier, limitMs: number): EconomizerError {
  const text = `The cache tier ${tier.name} did not answer within ${limitMs} ms; the call went on without it.`;
  return new EconomizerError('ECO_CACHE_TIMEOUT', text);
}
