import type { Bounds, SimulatedCache } from '../../../src/cache/eviction/trace/simulated.ts';

/** Least often used since it came goes first; among equals the one used longest ago. Counts are lost with the entry. */
export class Lfu implements SimulatedCache {
  readonly #capacity: number;
  readonly #uses = new Map<number, number>();
  /** Keys of each count, in order of their last use. */
  readonly #byUses = new Map<number, Set<number>>();
  #least = 1;

  constructor({ maxEntries }: Bounds) {
    this.#capacity = maxEntries;
  }

  request(key: number): boolean {
    const uses = this.#uses.get(key);
    if (uses === undefined) {
      if (this.#uses.size >= this.#capacity) this.#evict();
      this.#put(key, 1);
      this.#least = 1;
      return false;
    }
    this.#take(key, uses);
    if (uses === this.#least && !this.#byUses.has(uses)) this.#least++;
    this.#put(key, uses + 1);
    return true;
  }

  #put(key: number, uses: number): void {
    this.#uses.set(key, uses);
    let keys = this.#byUses.get(uses);
    if (keys === undefined) this.#byUses.set(uses, (keys = new Set()));
    keys.add(key);
  }

  #take(key: number, uses: number): void {
    const keys = this.#byUses.get(uses)!;
    keys.delete(key);
    if (keys.size === 0) this.#byUses.delete(uses);
  }

  #evict(): void {
    const key = this.#byUses.get(this.#least)!.values().next().value!;
    this.#take(key, this.#least);
    this.#uses.delete(key);
  }
}
