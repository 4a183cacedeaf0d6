import { none, SlotLists } from '../../../src/cache/eviction/slot-lists.ts';
import type { Bounds, SimulatedCache } from '../../../src/cache/eviction/trace/simulated.ts';

/** SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, NSDI 2024): a hand goes from old to new, forgives who was visited, evicts who was not. */
export class Sieve implements SimulatedCache {
  readonly #capacity: number;
  readonly #slots = new Map<number, number>();
  readonly #lists = new SlotLists(1);
  readonly #keys: Float64Array;
  readonly #visited: Uint8Array;
  #hand = none;

  constructor({ maxEntries }: Bounds) {
    this.#capacity = maxEntries;
    this.#lists.use(new Int32Array(2 * maxEntries));
    this.#keys = new Float64Array(maxEntries);
    this.#visited = new Uint8Array(maxEntries);
  }

  request(key: number): boolean {
    const found = this.#slots.get(key);
    if (found !== undefined) {
      this.#visited[found] = 1;
      return true;
    }
    const slot = this.#slots.size < this.#capacity ? this.#slots.size : this.#evict();
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#visited[slot] = 0;
    this.#lists.pushNewest(0, slot);
    return false;
  }

  #evict(): number {
    let slot = this.#hand === none ? this.#lists.oldest(0) : this.#hand;
    while (this.#visited[slot] === 1) {
      this.#visited[slot] = 0;
      slot = this.#lists.newer(slot);
      if (slot === none) slot = this.#lists.oldest(0);
    }
    this.#hand = this.#lists.newer(slot);
    this.#lists.remove(0, slot);
    this.#slots.delete(this.#keys[slot]!);
    return slot;
  }
}
