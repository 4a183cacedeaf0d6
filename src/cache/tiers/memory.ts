import type { Clock } from '../../kernel/clock.ts';
import { seededRandom } from '../../kernel/random.ts';
import { isCompressed, packCompressed, packedLabels, unpackEntry } from '../answer-codec.ts';
import { Eviction } from '../eviction/eviction.ts';
import { hashOf } from '../eviction/hash.ts';
import { none } from '../eviction/slot-lists.ts';
import { PurgeTable, type Purged } from '../invalidation/purge-table.ts';
import type { CacheEntry, CacheTier, TierStats } from '../tier.ts';
import { bodyOf, SharedBodies, type Bearing } from './shared-bodies.ts';

export interface MemoryTierOptions {
  readonly maxEntries: number;
  /** Bytes of process memory, as near as we can reckon them. An entry above an eighth of it is not kept. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Of the hashes by which entries are weighed against each other: who does not know it cannot make keys that get in the way of others. */
  readonly seed?: number;
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

/** An entry in one buffer, or without its body where another has the same; what is known of it beside. */
class Kept {
  readonly key: string;
  readonly staleUntil: number;
  readonly packed: Buffer;
  readonly apart: Buffer | undefined;
  readonly print: number;
  readonly slot: number;
  #entry: CacheEntry | undefined = undefined;

  constructor({ key, staleUntil }: CacheEntry, { packed, apart, print }: Bearing, slot: number) {
    this.key = key;
    this.staleUntil = staleUntil;
    this.packed = packed;
    this.apart = apart;
    this.print = print;
    this.slot = slot;
  }

  /** Most are never asked for; those that are, mostly again. */
  get entry(): CacheEntry {
    if (this.#entry !== undefined) return this.#entry;
    const entry = unpackEntry(this.key, this.packed, this.apart);
    // What was unpacked from compressed bytes would stand beside them.
    return isCompressed(this.packed) ? entry : (this.#entry = entry);
  }
}

class BoundedMemory implements MemoryTier {
  readonly name = 'l1';
  readonly #options: MemoryTierOptions;
  readonly #kept = new Map<string, Kept>();
  /** The same by slot of `#eviction`. */
  readonly #bySlot: (Kept | undefined)[] = [];
  readonly #eviction: Eviction;
  readonly #bodies = new SharedBodies<Kept>();
  /** The slot to look at next for what has expired. */
  #sweep = 0;
  #evictions = 0;

  constructor(options: MemoryTierOptions) {
    this.#options = options;
    const { maxEntries, maxBytes, seed = 1 } = options;
    const random = seededRandom(seed);
    const evicted = (slot: number) => {
      this.#evictions++;
      this.#forget(this.#bySlot[slot]!);
    };
    this.#eviction = new Eviction({ maxEntries, maxBytes, random, evicted });
  }

  get(key: string): CacheEntry | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    if (kept.staleUntil <= this.#options.clock.now()) {
      this.#drop(kept);
      return undefined;
    }
    this.#eviction.hit(kept.slot);
    return kept.entry;
  }

  set(entry: CacheEntry): void {
    const { maxBytes, clock } = this.#options;
    this.#dropExpired();
    const { final, frames } = entry.answer;
    const bytes = final.byteLength + (frames?.byteLength ?? 0);
    const former = this.#kept.get(entry.key);
    if (entry.staleUntil <= clock.now() || entryOverhead + bytes > maxBytes / 8) {
      // Even an entry that is declined ends the one before it: the older answer must not outlive the newer.
      if (former !== undefined) this.#drop(former);
      return;
    }
    const packed = packCompressed(entry);
    if (former !== undefined) this.#forget(former);
    const isAlone = entry.alone === true;
    const bearing = isAlone
      ? { packed, apart: undefined, print: 0 }
      : this.#bodies.bearingOf(packed);
    const slot = this.#slotFor(entry, entryOverhead + bearing.packed.byteLength, former);
    if (slot !== none) {
      const kept = new Kept(entry, bearing, slot);
      this.#kept.set(entry.key, kept);
      this.#bySlot[slot] = kept;
      this.#bodies.add(kept);
    }
    this.#chargeHeirs();
  }

  delete(key: string): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined) return false;
    this.#drop(kept);
    return kept.staleUntil > this.#options.clock.now();
  }

  clear(): void {
    this.#kept.clear();
    this.#bySlot.length = 0;
    this.#eviction.clear();
    this.#bodies.clear();
  }

  async sweep(
    purges: readonly Purged[],
    { remove }: { readonly remove: boolean },
  ): Promise<number> {
    const table = new PurgeTable();
    table.merge(purges);
    let meant = 0;
    let seen = 0;
    for (const kept of this.#kept.values()) {
      const { kind } = table.judge({ key: kept.key, ...packedLabels(kept.packed) });
      if (kind !== 'kept') meant++;
      if (kind === 'gone' && remove) this.#drop(kept);
      // A map's iterator stands changes under way, so calls may go on in between.
      if (++seen % sweepStep === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return meant;
  }

  stats(): TierStats {
    const { bytes, entries } = this.#eviction;
    return { entries, bytes, evictions: this.#evictions, sharedBytesSaved: this.#bodies.saved };
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.clear();
    return Promise.resolve();
  }

  /** A slot for `entry`, that of `former` where there is one; `none` where it is not worth its room. */
  #slotFor(entry: CacheEntry, bytes: number, former: Kept | undefined): number {
    const worth = entry.worthNanos;
    if (former === undefined) {
      return this.#eviction.add(hashOf(entry.key, this.#eviction.seed), bytes, worth);
    }
    return this.#eviction.replace(former.slot, bytes, worth) ? former.slot : none;
  }

  #drop(kept: Kept): void {
    this.#eviction.remove(kept.slot);
    this.#forget(kept);
    this.#chargeHeirs();
  }

  #forget(kept: Kept): void {
    this.#kept.delete(kept.key);
    this.#bySlot[kept.slot] = undefined;
    if (kept.print !== 0) this.#bodies.remove(kept);
  }

  /** Not while room is being made, since it makes some itself. */
  #chargeHeirs(): void {
    for (let heir = this.#bodies.nextHeir(); heir !== undefined; heir = this.#bodies.nextHeir()) {
      if (this.#bySlot[heir.slot] !== heir) continue;
      const bytes = entryOverhead + heir.packed.byteLength + bodyOf(heir).byteLength;
      if (!this.#eviction.resize(heir.slot, bytes)) this.#forget(heir);
    }
  }

  /** A slow round over all entries, a few steps a time. */
  #dropExpired(): void {
    const now = this.#options.clock.now();
    for (let step = 0; step < sweepPerSet; step++) {
      if (this.#sweep >= this.#bySlot.length) this.#sweep = 0;
      const kept = this.#bySlot[this.#sweep++];
      if (kept !== undefined && kept.staleUntil <= now) this.#drop(kept);
    }
  }
}
