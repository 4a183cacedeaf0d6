import { Heap } from '../../../src/cache/eviction/trace/heap.ts';
import type { Bounds, SimulatedCache } from '../../../src/cache/eviction/trace/simulated.ts';

interface Kept {
  readonly bytes: number;
  readonly worth: number;
  uses: number;
  priority: number;
}

/** GreedyDual-Size-Frequency (Cherkasova 1998): who saves least a byte goes, and all age by what the last to go was worth. */
export class Gdsf implements SimulatedCache {
  readonly #maxBytes: number;
  readonly #kept = new Map<number, Kept>();
  /** Keys of each priority, and the priorities, least first (their negatives in a heap that has the largest first). */
  readonly #byPriority = new Map<number, Set<number>>();
  readonly #priorities = new Heap();
  #age = 0;
  #bytes = 0;

  constructor({ maxBytes }: Bounds) {
    this.#maxBytes = maxBytes;
  }

  request(key: number, bytes: number, worth: number): boolean {
    const found = this.#kept.get(key);
    if (found !== undefined) {
      this.#byPriority.get(found.priority)!.delete(key);
      found.uses++;
      this.#rank(key, found);
      return true;
    }
    if (bytes > this.#maxBytes) return false;
    while (this.#bytes + bytes > this.#maxBytes) this.#evict();
    const kept = { bytes, worth, uses: 1, priority: 0 };
    this.#kept.set(key, kept);
    this.#bytes += bytes;
    this.#rank(key, kept);
    return false;
  }

  #rank(key: number, kept: Kept): void {
    kept.priority = this.#age + (kept.uses * kept.worth) / kept.bytes;
    const keys = this.#byPriority.get(kept.priority);
    if (keys !== undefined) {
      keys.add(key);
      return;
    }
    this.#byPriority.set(kept.priority, new Set([key]));
    this.#priorities.push(-kept.priority);
  }

  #evict(): void {
    const priority = -this.#priorities.pop();
    const keys = this.#byPriority.get(priority)!;
    this.#byPriority.delete(priority);
    for (const key of keys) {
      this.#age = priority;
      this.#bytes -= this.#kept.get(key)!.bytes;
      this.#kept.delete(key);
    }
  }
}
