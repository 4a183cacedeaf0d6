import { LRUCache } from 'lru-cache';
import { Eviction } from '../../src/cache/eviction/eviction.ts';
import { hashOf } from '../../src/cache/eviction/hash.ts';
import { none } from '../../src/cache/eviction/slot-lists.ts';
import { seededRandom } from '../../src/kernel/random.ts';

/** What both caches can do. */
export interface Keyed {
  get(key: string): unknown;
  set(key: string, value: unknown): unknown;
}

/** The eviction of `l1` with keys and values, the way `l1` keeps them. */
class OursKeyed implements Keyed {
  readonly #slots = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #values: unknown[] = [];
  readonly #eviction: Eviction;

  constructor(maxEntries: number) {
    const evicted = (slot: number) => {
      this.#slots.delete(this.#keys[slot]!);
      this.#values[slot] = undefined;
    };
    const random = seededRandom(1);
    this.#eviction = new Eviction({ maxEntries, maxBytes: Infinity, random, evicted });
  }

  get(key: string): unknown {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    this.#eviction.hit(slot);
    return this.#values[slot];
  }

  set(key: string, value: unknown): void {
    const former = this.#slots.get(key);
    const slot = former ?? this.#eviction.add(hashOf(key, this.#eviction.seed), 1);
    if (former !== undefined) this.#eviction.replace(former, 1);
    if (slot === none) return;
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }
}

export const caches: Readonly<Record<string, (maxEntries: number) => Keyed>> = {
  ours: (maxEntries) => new OursKeyed(maxEntries),
  'lru-cache': (max) => new LRUCache<string, {}>({ max }),
};
