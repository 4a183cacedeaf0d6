import type { Bounds, SimulatedCache } from '../../../src/cache/eviction/trace/simulated.ts';
import { Fifo } from './fifo.ts';

const visitsMax = 3;

/** S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi, SOSP 2023): a tenth on trial, the rest for who was asked for again, ghosts of who went from trial. */
export class S3Fifo implements SimulatedCache {
  readonly #capacity: number;
  readonly #trialSize: number;
  readonly #visits = new Map<number, number>();
  readonly #trial = new Fifo();
  readonly #main = new Fifo();
  readonly #ghosts = new Fifo();

  constructor({ maxEntries }: Bounds) {
    this.#capacity = maxEntries;
    this.#trialSize = Math.max(1, Math.floor(maxEntries / 10));
  }

  request(key: number): boolean {
    const visits = this.#visits.get(key);
    if (visits !== undefined) {
      this.#visits.set(key, Math.min(visitsMax, visits + 1));
      return true;
    }
    while (this.#trial.size + this.#main.size >= this.#capacity) this.#evict();
    (this.#ghosts.delete(key) ? this.#main : this.#trial).push(key);
    this.#visits.set(key, 0);
    return false;
  }

  #evict(): void {
    if (this.#trial.size < this.#trialSize && this.#main.size > 0) return this.#evictFromMain();
    const key = this.#trial.shift()!;
    // Asked for twice more: the authors' figure.
    if (this.#visits.get(key)! > 1) {
      this.#main.push(key);
      this.#visits.set(key, 0);
      return;
    }
    this.#visits.delete(key);
    this.#ghosts.push(key);
    if (this.#ghosts.size > this.#capacity - this.#trialSize) this.#ghosts.shift();
  }

  #evictFromMain(): void {
    for (;;) {
      const key = this.#main.shift()!;
      const visits = this.#visits.get(key)!;
      if (visits === 0) {
        this.#visits.delete(key);
        return;
      }
      this.#visits.set(key, visits - 1);
      this.#main.push(key);
    }
  }
}
