import type { Bounds, SimulatedCache } from './simulated.ts';

/** Least recently used goes first. A map keeps its keys in order of insertion, and that is all it takes. */
export class Lru implements SimulatedCache {
  readonly #bounds: Bounds;
  readonly #sizes = new Map<number, number>();
  #oldest = this.#sizes.entries();
  #bytes = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  request(key: number, bytes: number): boolean {
    const former = this.#sizes.get(key);
    if (former !== undefined) {
      this.#sizes.delete(key);
      this.#bytes -= former;
    }
    const { maxBytes, maxEntries } = this.#bounds;
    if (bytes > maxBytes) return former !== undefined;
    while (this.#bytes + bytes > maxBytes || this.#sizes.size >= maxEntries) this.#evict();
    this.#sizes.set(key, bytes);
    this.#bytes += bytes;
    return former !== undefined;
  }

  /** One iterator for all evictions: a new one would walk over what was deleted before, each time. */
  #evict(): void {
    let next = this.#oldest.next();
    if (next.done === true) {
      this.#oldest = this.#sizes.entries();
      next = this.#oldest.next();
    }
    if (next.done === true) return;
    const [key, bytes] = next.value;
    this.#sizes.delete(key);
    this.#bytes -= bytes;
  }
}
