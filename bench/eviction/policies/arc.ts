import type { Bounds, SimulatedCache } from '../../../src/cache/eviction/trace/simulated.ts';
import { Fifo } from './fifo.ts';

/** ARC (Megiddo, Modha, FAST 2003). Names of the lists and of `p` are the paper's. */
export class Arc implements SimulatedCache {
  readonly #capacity: number;
  readonly #t1 = new Fifo();
  readonly #t2 = new Fifo();
  readonly #b1 = new Fifo();
  readonly #b2 = new Fifo();
  #p = 0;

  constructor({ maxEntries }: Bounds) {
    this.#capacity = maxEntries;
  }

  request(key: number): boolean {
    const c = this.#capacity;
    if (this.#t1.delete(key) || this.#t2.delete(key)) {
      this.#t2.push(key);
      return true;
    }
    if (this.#b1.has(key)) {
      this.#p = Math.min(c, this.#p + Math.max(1, this.#b2.size / this.#b1.size));
      this.#replace(false);
      this.#b1.delete(key);
      this.#t2.push(key);
    } else if (this.#b2.has(key)) {
      this.#p = Math.max(0, this.#p - Math.max(1, this.#b1.size / this.#b2.size));
      this.#replace(true);
      this.#b2.delete(key);
      this.#t2.push(key);
    } else {
      this.#makeRoom();
      this.#t1.push(key);
    }
    return false;
  }

  #makeRoom(): void {
    const c = this.#capacity;
    const recent = this.#t1.size + this.#b1.size;
    const all = recent + this.#t2.size + this.#b2.size;
    if (recent >= c) {
      if (this.#t1.size < c) {
        this.#b1.shift();
        this.#replace(false);
      } else this.#t1.shift();
    } else if (all >= c) {
      if (all >= 2 * c) this.#b2.shift();
      this.#replace(false);
    }
  }

  #replace(isInB2: boolean): void {
    if (this.#t1.size + this.#t2.size < this.#capacity) return;
    const recent = this.#t1.size;
    if (recent > 0 && (recent > this.#p || (isInB2 && recent === this.#p) || this.#t2.size === 0)) {
      this.#b1.push(this.#t1.shift()!);
    } else this.#b2.push(this.#t2.shift()!);
  }
}
