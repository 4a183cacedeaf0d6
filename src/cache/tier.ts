import type { Answer } from '../exchange/answer.ts';
import type { Purged } from './invalidation/purge-table.ts';

/** An answer under its key, with its times (milliseconds since the epoch). */
export interface CacheEntry {
  readonly key: string;
  readonly answer: Answer;
  readonly storedAt: number;
  /** Served without a word until then. */
  readonly freshUntil: number;
  /** Kept until then, for stale-while-revalidate and stale-if-error; afterwards the entry is as good as gone. */
  readonly staleUntil: number;
  /** What invalidation may name it by: `tenant:acme`, `model:gpt-5`, `agent:support`, `tag:` and the caller's own; see `invalidation/labels.ts`. */
  readonly tags?: readonly string[] | undefined;
  /** The version of the table of purges that was known when the answer was asked for: later purges may mean it. Undefined: every one. */
  readonly epoch?: number | undefined;
  /** What one more hit saves; undefined where the price is not known. */
  readonly worthNanos?: number | undefined;
  /** Whether tiers compress it: `packed` where that helps, in memory too; `plain` nowhere. Undefined: as each tier thinks best. */
  readonly storage?: 'packed' | 'plain';
  /** Its body is kept once for this entry, even where another has the same. */
  readonly alone?: true;
}

/** What invalidation goes by. */
export type EntryLabels = Required<Pick<CacheEntry, 'storedAt' | 'tags' | 'epoch'>>;

export interface TierStats {
  readonly entries: number;
  /** Bytes held, bookkeeping included, as near as the tier can tell. */
  readonly bytes: number;
  readonly evictions: number;
  /** Bytes that would be held beside these if equal bodies were not kept once; undefined where the tier keeps each by itself. */
  readonly sharedBytesSaved?: number;
}

/** A value now or later: memory answers at once, and the hot path must not wait a turn for it. */
export type Awaitable<Value> = Value | Promise<Value>;

/** One level of the cache. A tier may throw: the stack takes that as a miss and tells. */
export interface CacheTier {
  /** Shown in `Cache-Status` and the ledger: `l1`, `l2`, `l3`, `l3-postgres`. */
  readonly name: string;
  /** How long it may take, in milliseconds, where that is its own setting. */
  readonly patience?: { readonly lookupMs: number; readonly storeMs: number };
  /** Other gateways write to it too, and so may have purged what we have not heard of yet. */
  readonly shared?: boolean;
  /**
   * The entry, never one past its `staleUntil`.
   * @param limitMs a tier that may keep its caller waiting gives up then, where that is sooner than by its own setting.
   */
  get(key: string, limitMs?: number): Awaitable<CacheEntry | undefined>;
  /** Keeps the entry, in place of one with the same key; a tier may decline silently what is too large for it. */
  set(entry: CacheEntry): Awaitable<void>;
  /** True if there was such an entry. */
  delete(key: string): Awaitable<boolean>;
  clear(): Awaitable<void>;
  /**
   * Goes through what it holds and counts the entries that these purges mean (`PurgeTable.judge`; their labels suffice, see `labelsOf`), removing
   * those that are gone where asked to. Slow and in steps, so that calls go on meanwhile: reads hold entries against the
   * purges anyway, and a sweep only gives back their room. Left out: entries stay until their time is over.
   */
  sweep?(purges: readonly Purged[], options: { readonly remove: boolean }): Awaitable<number>;
  stats(): Awaitable<TierStats>;
  /** Resolves when all that was set before would survive the end of the process, where the tier persists at all. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
