import type { Clock } from '../../kernel/clock.ts';
import { isCompressed, packCompressed, packedLabels, unpackEntry } from '../answer-codec.ts';
import { PurgeTable, type Purged } from '../invalidation/purge-table.ts';
import type { CacheEntry, CacheTier, TierStats } from '../tier.ts';
import type { Evictable, EvictionPolicy, Queue } from './eviction.ts';
import { S3Fifo } from './s3-fifo.ts';

export interface MemoryTierOptions {
  readonly maxEntries: number;
  /** Bytes of process memory, as near as we can reckon them. An entry above an eighth of it is not kept. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

/** A tier that answers at once. */
export interface MemoryTier extends CacheTier {
  get(key: string): CacheEntry | undefined;
  set(entry: CacheEntry): void;
  delete(key: string): boolean;
  clear(): void;
  sweep(purges: readonly Purged[], options: { readonly remove: boolean }): Promise<number>;
  stats(): TierStats;
}

/**
 * What an entry costs beside its bytes: slot, key, place in the map, the objects of its buffer; and while it is unpacked for being asked
 * for again, those of the entry. An estimate on the safe side.
 */
const entryOverhead = 900;
/** Old entries looked at for each that is set, so that what has expired goes even if nobody asks for it. */
const sweepPerSet = 2;
/** Entries that a sweep for what was purged looks at in one go. */
const sweepStep = 500;

/** The first tier, `l1`: bounded by entries and by bytes, holds nothing beyond what it counts. */
export function createMemoryTier(options: MemoryTierOptions): MemoryTier {
  return new BoundedMemory(options);
}

class Slot implements Evictable {
  readonly key: string;
  readonly staleUntil: number;
  readonly packed: Buffer;
  queue: Queue | undefined = undefined;
  newer: Evictable | undefined = undefined;
  older: Evictable | undefined = undefined;
  visits = 0;
  #entry: CacheEntry | undefined = undefined;

  constructor(key: string, staleUntil: number, packed: Buffer) {
    this.key = key;
    this.staleUntil = staleUntil;
    this.packed = packed;
  }

  get size(): number {
    return entryOverhead + this.packed.byteLength;
  }

  /** Most are never asked for; those that are, mostly again. */
  get entry(): CacheEntry {
    if (this.#entry !== undefined) return this.#entry;
    const entry = unpackEntry(this.key, this.packed);
    // What was unpacked from compressed bytes would stand beside them.
    return isCompressed(this.packed) ? entry : (this.#entry = entry);
  }
}

class BoundedMemory implements MemoryTier {
  readonly name = 'l1';
  readonly #options: MemoryTierOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #eviction: EvictionPolicy<Slot>;
  #sweep = this.#slots.values();
  #bytes = 0;
  #evictions = 0;

  constructor(options: MemoryTierOptions) {
    this.#options = options;
    this.#eviction = new S3Fifo(options.maxEntries);
  }

  get(key: string): CacheEntry | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    if (slot.staleUntil <= this.#options.clock.now()) {
      this.#drop(slot);
      return undefined;
    }
    this.#eviction.hit(slot);
    return slot.entry;
  }

  set(entry: CacheEntry): void {
    const { maxBytes, maxEntries, clock } = this.#options;
    // Even an entry that is declined ends the one before it: the older answer must not outlive the newer.
    const former = this.#slots.get(entry.key);
    if (former !== undefined) this.#drop(former);
    this.#dropExpired();
    const { final, frames } = entry.answer;
    const bytes = final.byteLength + (frames?.byteLength ?? 0);
    if (entry.staleUntil <= clock.now() || entryOverhead + bytes > maxBytes / 8) return;

    const slot = new Slot(entry.key, entry.staleUntil, packCompressed(entry));
    while (this.#slots.size >= maxEntries || this.#bytes + slot.size > maxBytes) {
      const victim = this.#eviction.evict();
      if (victim === undefined) return;
      this.#forget(victim);
      this.#evictions++;
    }
    this.#slots.set(slot.key, slot);
    this.#bytes += slot.size;
    this.#eviction.added(slot);
  }

  delete(key: string): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    this.#drop(slot);
    return slot.staleUntil > this.#options.clock.now();
  }

  clear(): void {
    this.#slots.clear();
    this.#eviction.clear();
    this.#bytes = 0;
  }

  async sweep(
    purges: readonly Purged[],
    { remove }: { readonly remove: boolean },
  ): Promise<number> {
    const table = new PurgeTable();
    table.merge(purges);
    let meant = 0;
    let seen = 0;
    for (const slot of this.#slots.values()) {
      const { kind } = table.judge({ key: slot.key, ...packedLabels(slot.packed) });
      if (kind !== 'kept') meant++;
      if (kind === 'gone' && remove) this.#drop(slot);
      // A map's iterator stands changes under way, so calls may go on in between.
      if (++seen % sweepStep === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return meant;
  }

  stats(): TierStats {
    return { entries: this.#slots.size, bytes: this.#bytes, evictions: this.#evictions };
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.clear();
    return Promise.resolve();
  }

  #drop(slot: Slot): void {
    this.#eviction.removed(slot);
    this.#forget(slot);
  }

  #forget(slot: Slot): void {
    this.#slots.delete(slot.key);
    this.#bytes -= slot.size;
  }

  /** A slow round over all entries, a few steps a time; a map's iterator stands changes under way. */
  #dropExpired(): void {
    const now = this.#options.clock.now();
    for (let step = 0; step < sweepPerSet; step++) {
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = this.#slots.values();
        return;
      }
      if (next.value.staleUntil <= now) this.#drop(next.value);
    }
  }
}
