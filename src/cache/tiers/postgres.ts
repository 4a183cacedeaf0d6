import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { PostgresLink } from '../../services/postgres.ts';
import type { Purged } from '../invalidation/purge-table.ts';
import type { SecretInUse } from '../shared-secret.ts';
import type { CacheEntry, CacheTier, TierStats } from '../tier.ts';
import { tablesIn } from './postgres-tables.ts';
import { PostgresWriter } from './postgres-writer.ts';
import type { Flaw } from './sealed-value.ts';
import { WriteQueue } from './write-queue.ts';

export interface PostgresTierOptions {
  /** For lookups. */
  readonly reads: PostgresLink;
  /** One connection for all that writes. */
  readonly writes: PostgresLink;
  /** The schema of the tables. */
  readonly schema: string;
  readonly secret: SecretInUse;
  /** Larger answers are not kept, in bytes before they are packed. */
  readonly maxEntryBytes: number;
  /** Bytes of all that gateways keep there together. */
  readonly maxBytes: number;
  /** How long a lookup and a store may take, in milliseconds; undefined: as long as any tier's. */
  readonly patience?: NonNullable<CacheTier['patience']>;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** A tier that takes at once what it is given; it is found from then on, and in the tables after `flush`. */
export interface PostgresTier extends CacheTier {
  set(entry: CacheEntry): void;
}

const name = 'l3-postgres';
const part = `cache.${name}`;
/** A use is noted only where the last one noted is older, in milliseconds: reading must not mean writing. */
const useGrainMs = 300_000;
/** What a value may have beside its body. */
const headBytesMax = 72 * 1024;

/**
 * The tier that gateways share and that survives them, in PostgreSQL: reads in one round trip, writes in batches behind the calls. What it
 * gives back was sealed by one of them, or it is a miss and a signal.
 */
export function createPostgresTier(options: PostgresTierOptions): PostgresTier {
  return new SharedTables(options);
}

class SharedTables implements PostgresTier {
  readonly name = name;
  readonly shared = true;
  readonly patience?: NonNullable<CacheTier['patience']>;
  readonly #options: PostgresTierOptions;
  readonly #tables: ReturnType<typeof tablesIn>;
  readonly #writer: PostgresWriter;
  readonly #queue: WriteQueue;

  constructor(options: PostgresTierOptions) {
    this.#options = options;
    if (options.patience !== undefined) this.patience = options.patience;
    this.#tables = tablesIn(options.schema);
    const { writes: link, secret, maxBytes, clock, signals } = options;
    this.#writer = new PostgresWriter({ link, tables: this.#tables, secret, maxBytes });
    this.#queue = new WriteQueue({
      thread: this.#writer,
      clock,
      maxBytes,
      what: 'PostgreSQL',
      onFailure: (operation, error) => signals.emit('part-failed', { part, operation, error }),
      onHealed: () => signals.emit('part-healed', { part }),
    });
  }

  async get(key: string): Promise<CacheEntry | undefined> {
    const now = this.#options.clock.now();
    const pending = this.#queue.pending(key);
    if (pending !== undefined) {
      return pending !== null && pending.staleUntil > now ? pending : undefined;
    }
    if (this.#queue.isClearing) return undefined;
    const { reads, maxEntryBytes } = this.#options;
    const values = [key, now, maxEntryBytes + headBytesMax];
    const [row] = await reads.query(this.#tables.read, values);
    if (row === undefined) return undefined;
    const found = await this.#open(key, row);
    if (typeof found === 'string') return this.#drop(key, found);
    if (now - (row['used_at'] as number) >= useGrainMs) this.#queue.used(Number(row['id']));
    return found.staleUntil > now ? found : undefined;
  }

  set(entry: CacheEntry): void {
    const { maxEntryBytes, maxBytes, clock } = this.#options;
    const { key, answer, staleUntil } = entry;
    const size = answer.final.byteLength + (answer.frames?.byteLength ?? 0);
    const fits = size <= Math.min(maxEntryBytes, maxBytes / 8) && staleUntil > clock.now();
    // The older answer must not outlive the newer, even if that is not kept.
    if (!fits || !this.#queue.put(entry)) this.#queue.delete(key);
  }

  /** Resolves when the entry is gone from the table too: whoever deletes wants to be sure. */
  async delete(key: string): Promise<boolean> {
    const existed = await this.get(key).catch(() => undefined);
    this.#queue.delete(key);
    await this.#queue.flush();
    return existed !== undefined;
  }

  clear(): Promise<void> {
    return this.#queue.clear();
  }

  sweep(purges: readonly Purged[], { remove }: { readonly remove: boolean }): Promise<number> {
    return this.#queue.sweep(purges, remove);
  }

  stats(): Promise<TierStats> {
    return this.#queue.stats();
  }

  flush(): Promise<void> {
    return this.#queue.flush();
  }

  /** The links belong to who made them. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  #open(
    key: string,
    { value, body }: Readonly<Record<string, unknown>>,
  ): CacheEntry | Flaw | 'too large' | Promise<CacheEntry | Flaw> {
    if (!Buffer.isBuffer(value)) return 'too large';
    const apart = Buffer.isBuffer(body) ? body : undefined;
    return this.#writer.sealer.open(key, key, value, this.#options.maxEntryBytes, apart);
  }

  /** A miss; and what lies there goes, so that it is not asked for again. */
  #drop(key: string, flaw: Flaw | 'too large'): undefined {
    const text = `The value under the key ${key} in PostgreSQL is ${flaw}; it was dropped.`;
    const error = new EconomizerError('ECO_CACHE_VALUE', text);
    this.#options.signals.emit('part-failed', { part, operation: 'get', error });
    this.#queue.delete(key);
    return undefined;
  }
}
