import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { RedisLink } from '../../services/redis.ts';
import type { Lease, SharedFlights } from '../shared-flights.ts';
import type { SecretInUse } from '../shared-secret.ts';
import type { Purged } from '../invalidation/purge-table.ts';
import type { CacheEntry, CacheTier, TierStats } from '../tier.ts';
import { clearRedis, redisStats, sweepRedis } from './redis-census.ts';
import { placeOf } from './redis-place.ts';
import { RedisStore, type Misfit } from './redis-store.ts';
import { apartOf, type Apart, type Flaw } from './sealed-value.ts';

export interface RedisTierOptions {
  readonly link: RedisLink;
  /** What all keys of this house begin with. */
  readonly prefix: string;
  readonly secret: SecretInUse;
  /** Larger answers are not kept, in bytes before they are packed. */
  readonly maxEntryBytes: number;
  /** For one lookup, in milliseconds. */
  readonly lookupMs: number;
  /** For one store or deletion, in milliseconds. */
  readonly storeMs: number;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Undefined where gateways do not share flights. */
  readonly flights?: Pick<SharedFlights, 'take'> | undefined;
}

const name = 'l2';
const part = `cache.${name}`;

/** The tier that gateways share, `l2`, in Redis or Valkey. What it gives back was sealed by one of them, or it is a miss and a signal. */
export function createRedisTier(options: RedisTierOptions): CacheTier {
  return new RedisTier(options);
}

class RedisTier implements CacheTier {
  readonly name = name;
  readonly shared = true;
  readonly patience: { readonly lookupMs: number; readonly storeMs: number };
  readonly #options: RedisTierOptions;
  readonly #store: RedisStore;
  readonly #acts = new Set<Promise<unknown>>();
  /** The last answer to each key that another thread is packing. */
  readonly #packing = new Map<string, CacheEntry>();
  /** While the tier is being cleared: what was set since. */
  #since: Set<string> | undefined;

  constructor(options: RedisTierOptions) {
    this.#options = options;
    const { lookupMs, storeMs, signals } = options;
    this.patience = { lookupMs, storeMs };
    this.#store = new RedisStore({
      ...options,
      onFailure: (error) => signals.emit('part-failed', { part, operation: 'share', error }),
    });
  }

  get(key: string, limitMs = Infinity): Promise<CacheEntry | undefined> {
    const { link, lookupMs } = this.#options;
    return this.#get(key, link.waitedMs + Math.min(limitMs, lookupMs));
  }

  set(entry: CacheEntry): Promise<void> {
    const lease = this.#options.flights?.take(entry.key);
    return this.#track(this.#set(entry, lease).finally(() => lease?.giveUp('unstored')));
  }

  delete(key: string): Promise<boolean> {
    return this.#track(this.#delete(key));
  }

  async clear(): Promise<void> {
    const { link, prefix, storeMs } = this.#options;
    const since = new Set<string>();
    this.#since = since;
    this.#packing.clear();
    try {
      await this.#store.settled();
      const kept = (key: string): boolean => since.has(key);
      await this.#track(clearRedis({ link, prefix, kept, deadlineMs: storeMs }));
    } finally {
      if (this.#since === since) this.#since = undefined;
    }
  }

  sweep(purges: readonly Purged[], { remove }: { readonly remove: boolean }): Promise<number> {
    const { link, prefix, storeMs } = this.#options;
    const gone = (key: string, value: Buffer): Promise<unknown> => this.#store.remove(key, value);
    return this.#track(
      this.flush().then(() =>
        sweepRedis({ link, prefix, deadlineMs: storeMs, purges, ...(remove ? { gone } : {}) }),
      ),
    );
  }

  stats(): Promise<TierStats> {
    const { link, prefix, storeMs } = this.#options;
    return redisStats({ link, prefix, deadlineMs: storeMs });
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#acts);
    await this.#store.settled();
  }

  /** The link belongs to others too, so it stays. */
  close(): Promise<void> {
    return this.flush();
  }

  /**
   * @param until by `waitedMs` of the link.
   * @param lost the seal of a value whose body was not there.
   */
  async #get(key: string, until: number, lost?: Buffer): Promise<CacheEntry | undefined> {
    const { link, clock, prefix, maxEntryBytes } = this.#options;
    const value = await this.#store.value(key, until - link.waitedMs);
    if (value === undefined) return undefined;
    if (this.#since !== undefined && !this.#since.has(key)) return undefined;
    if (!Buffer.isBuffer(value)) return this.#drop(key, value);
    const apart = apartOf(value);
    const body = apart && (await this.#store.body(apart, until - link.waitedMs));
    if (typeof body === 'string') return this.#drop(key, body, value, apart);
    const place = placeOf(prefix, key);
    const opening = this.#store.sealer.open(place, key, value, maxEntryBytes, body);
    const entry = opening instanceof Promise ? await opening : opening;
    if (typeof entry !== 'string') return entry.staleUntil > clock.now() ? entry : undefined;
    if (entry === 'foreign' || apart === undefined) return this.#drop(key, entry, value);
    if (body !== undefined) return this.#drop(key, entry, value, apart);
    // Either the entry was replaced meanwhile, and the body went with it, or Redis had to let the body go.
    return lost?.equals(apart.seal) === true
      ? this.#forget(key, value)
      : this.#get(key, until, apart.seal);
  }

  async #set(entry: CacheEntry, lease: Lease | undefined): Promise<void> {
    const { clock, prefix, maxEntryBytes } = this.#options;
    const { key, answer, staleUntil } = entry;
    this.#since?.add(key);
    const size = answer.final.byteLength + (answer.frames?.byteLength ?? 0);
    // The older answer must not outlive the newer, even if that is not kept.
    if (staleUntil <= clock.now() || size > maxEntryBytes) return void (await this.#remove(key));
    const sealing = this.#store.sealer.seal(placeOf(prefix, key), entry);
    const value = sealing instanceof Promise ? await this.#sealedAside(entry, sealing) : sealing;
    const ttlMs = Math.floor(staleUntil - clock.now());
    if (value === undefined || ttlMs <= 0) return;
    this.#packing.delete(key);
    try {
      if (!(await this.#put(key, value, ttlMs, lease))) return;
    } catch (error) {
      await this.#remove(key).catch(() => {}); // of the two failures the first is told
      throw error;
    }
    // What is being cleared away is no place for a body that others will need.
    if (entry.alone !== true && this.#since === undefined) this.#store.share(key, value, answer);
  }

  /** False where another gateway answers this key. */
  async #put(
    key: string,
    value: Buffer,
    ttlMs: number,
    lease: Lease | undefined,
  ): Promise<boolean> {
    if (lease === undefined) {
      await this.#store.put(key, value, ttlMs);
      return true;
    }
    const landed = await lease.land(value, ttlMs, this.#options.storeMs);
    if (landed !== undefined) await this.#store.replaced(landed);
    return landed !== undefined;
  }

  /** Undefined where another act on the same key came meanwhile. */
  async #sealedAside(entry: CacheEntry, sealing: Promise<Buffer>): Promise<Buffer | undefined> {
    this.#packing.set(entry.key, entry);
    const value = await sealing;
    return this.#packing.get(entry.key) === entry ? value : undefined;
  }

  async #delete(key: string): Promise<boolean> {
    const isCleared = this.#since?.delete(key) === false;
    const wasPacking = this.#packing.delete(key);
    const expiry = await this.#remove(key);
    const existed = !isCleared && (expiry ?? 0) > this.#options.clock.now();
    return existed || wasPacking;
  }

  #remove(key: string): Promise<number | undefined> {
    return this.#store.remove(key);
  }

  /**
   * A miss; and what lies there goes, so that it is not asked for again.
   * @param apart where it is the body that is at fault.
   */
  #drop(key: string, flaw: Flaw | Misfit, value?: Buffer, apart?: Apart): undefined {
    const what = apart === undefined ? 'value' : 'body of the value';
    const error = new EconomizerError(
      'ECO_CACHE_VALUE',
      `The ${what} under the key ${key} in Redis is ${flaw}; it was dropped.`,
    );
    this.#options.signals.emit('part-failed', { part, operation: 'get', error });
    if (apart !== undefined) this.#track(this.#store.removeBody(apart)).catch(() => {}); // as below
    return this.#forget(key, value);
  }

  /** What fails is tried again when it is read again, or the next answer takes its place. */
  #forget(key: string, value: Buffer | undefined): undefined {
    this.#track(this.#store.remove(key, value)).catch(() => {});
    return undefined;
  }

  #track<Value>(act: Promise<Value>): Promise<Value> {
    const tracked = act.finally(() => this.#acts.delete(tracked));
    this.#acts.add(tracked);
    return tracked;
  }
}
