import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { RedisArgument, RedisLink, RedisReply } from '../../services/redis.ts';
import type { Lease, SharedFlights } from '../shared-flights.ts';
import type { SecretInUse } from '../shared-secret.ts';
import type { Purged } from '../invalidation/purge-table.ts';
import type { CacheEntry, CacheTier, TierStats } from '../tier.ts';
import { clearRedis, redisStats, sweepRedis } from './redis-census.ts';
import { keyAt, placeOf, placesPattern } from './redis-place.ts';
import { expiryOf, sealedHeadBytes, Sealer, type Flaw } from './sealed-value.ts';

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
/** What a value has beside its body at most: seal and head. */
const headBytesMax = sealedHeadBytes + 64 * 1024;

/** The tier that gateways share, `l2`, in Redis or Valkey. What it gives back was sealed by one of them, or it is a miss and a signal. */
export function createRedisTier(options: RedisTierOptions): CacheTier {
  return new RedisTier(options);
}

class RedisTier implements CacheTier {
  readonly name = name;
  readonly shared = true;
  readonly patience: { readonly lookupMs: number; readonly storeMs: number };
  readonly #options: RedisTierOptions;
  readonly #acts = new Set<Promise<unknown>>();
  /** The last answer to each key that another thread is packing. */
  readonly #packing = new Map<string, CacheEntry>();
  /** While the tier is being cleared: what was set since. */
  #since: Set<string> | undefined;
  #secret = '';
  #sealer: Sealer | undefined;

  constructor(options: RedisTierOptions) {
    this.#options = options;
    const { lookupMs, storeMs } = options;
    this.patience = { lookupMs, storeMs };
  }

  async get(key: string, limitMs = Infinity): Promise<CacheEntry | undefined> {
    const { link, clock, maxEntryBytes } = this.#options;
    const lookupMs = Math.min(limitMs, this.#options.lookupMs);
    const place = this.#placeOf(key);
    const bytesMax = maxEntryBytes + headBytesMax;
    let value: RedisReply;
    try {
      // Not GET: whatever lies there, no more of it comes than an entry may have.
      value = await link.send(['GETRANGE', place, '0', String(bytesMax)], lookupMs);
    } catch (error) {
      if (!String(error).includes('WRONGTYPE')) throw error;
      return this.#drop(key, 'foreign');
    }
    if (!Buffer.isBuffer(value) || value.length === 0) return undefined;
    if (this.#since !== undefined && !this.#since.has(key)) return undefined;
    if (value.length > bytesMax) return this.#drop(key, 'too large');
    const opening = this.#seal().open(place, key, value, maxEntryBytes);
    const entry = opening instanceof Promise ? await opening : opening;
    if (typeof entry === 'string') return this.#drop(key, entry);
    return entry.staleUntil > clock.now() ? entry : undefined;
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
      const kept = (place: string): boolean => since.has(keyAt(prefix, place));
      await this.#track(clearRedis({ link, pattern: this.#pattern(), kept, deadlineMs: storeMs }));
    } finally {
      if (this.#since === since) this.#since = undefined;
    }
  }

  sweep(purges: readonly Purged[], { remove }: { readonly remove: boolean }): Promise<number> {
    const { link, prefix, storeMs } = this.#options;
    const keyOf = (place: string): string => keyAt(prefix, place);
    const pattern = this.#pattern();
    return this.#track(
      this.flush().then(() =>
        sweepRedis({ link, pattern, deadlineMs: storeMs, purges, remove, keyOf }),
      ),
    );
  }

  stats(): Promise<TierStats> {
    const { link, storeMs } = this.#options;
    return redisStats({ link, pattern: this.#pattern(), deadlineMs: storeMs });
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#acts);
  }

  /** The link belongs to others too, so it stays. */
  close(): Promise<void> {
    return this.flush();
  }

  async #set(entry: CacheEntry, lease: Lease | undefined): Promise<void> {
    const { clock, maxEntryBytes, storeMs } = this.#options;
    const { key, answer, staleUntil } = entry;
    this.#since?.add(key);
    const place = this.#placeOf(key);
    const size = answer.final.byteLength + (answer.frames?.byteLength ?? 0);
    // The older answer must not outlive the newer, even if that is not kept.
    if (staleUntil <= clock.now() || size > maxEntryBytes) return this.#unlink(place);
    const sealing = this.#seal().seal(place, entry);
    const value = sealing instanceof Promise ? await this.#sealedAside(entry, sealing) : sealing;
    const ttlMs = Math.floor(staleUntil - clock.now());
    if (value === undefined || ttlMs <= 0) return;
    this.#packing.delete(key);
    try {
      if (lease !== undefined) await lease.land(value, ttlMs, storeMs);
      else await this.#send(['SET', place, value, 'PX', String(ttlMs)], storeMs);
    } catch (error) {
      await this.#unlink(place).catch(() => {}); // of the two failures the first is told
      throw error;
    }
  }

  /** Undefined where another act on the same key came meanwhile. */
  async #sealedAside(entry: CacheEntry, sealing: Promise<Buffer>): Promise<Buffer | undefined> {
    this.#packing.set(entry.key, entry);
    const value = await sealing;
    return this.#packing.get(entry.key) === entry ? value : undefined;
  }

  async #delete(key: string): Promise<boolean> {
    const { clock, storeMs } = this.#options;
    const place = this.#placeOf(key);
    const isCleared = this.#since?.delete(key) === false;
    const wasPacking = this.#packing.delete(key);
    const [head, removed] = await Promise.all([
      this.#send(['GETRANGE', place, '0', String(sealedHeadBytes)], storeMs).catch(() => ''),
      this.#send(['UNLINK', place], storeMs),
    ]);
    const expiry = Buffer.isBuffer(head) ? expiryOf(head) : undefined;
    const existed = removed === 1 && !isCleared && (expiry ?? 0) > clock.now();
    return existed || wasPacking;
  }

  /** A miss; and what lies there goes, so that it is not asked for again. */
  #drop(key: string, flaw: Flaw | 'too large'): undefined {
    const error = new EconomizerError(
      'ECO_CACHE_VALUE',
      `The value under the key ${key} in Redis is ${flaw}; it was dropped.`,
    );
    this.#options.signals.emit('part-failed', { part, operation: 'get', error });
    this.#track(this.#unlink(this.#placeOf(key))).catch(() => {}); // else the next answer takes its place
    return undefined;
  }

  async #unlink(place: string): Promise<void> {
    await this.#send(['UNLINK', place], this.#options.storeMs);
  }

  #send(args: readonly RedisArgument[], deadlineMs: number): Promise<RedisReply> {
    return this.#options.link.send(args, deadlineMs);
  }

  #placeOf(key: string): string {
    return placeOf(this.#options.prefix, key);
  }

  #pattern(): string {
    return placesPattern(this.#options.prefix);
  }

  #seal(): Sealer {
    const { current } = this.#options.secret;
    if (this.#sealer === undefined || current !== this.#secret) {
      this.#secret = current;
      this.#sealer = new Sealer(current);
    }
    return this.#sealer;
  }

  #track<Value>(act: Promise<Value>): Promise<Value> {
    const tracked = act.finally(() => this.#acts.delete(tracked));
    this.#acts.add(tracked);
    return tracked;
  }
}
