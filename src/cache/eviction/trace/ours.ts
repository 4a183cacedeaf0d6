import { seededRandom } from '../../../kernel/random.ts';
import { Eviction } from '../eviction.ts';
import { mixed } from '../hash.ts';
import { none } from '../slot-lists.ts';
import type { Bounds, SimulatedCache } from './simulated.ts';

/** The policy of `l1`, without values. */
export class Ours implements SimulatedCache {
  readonly #slots = new Map<number, number>();
  readonly #keys: number[] = [];
  readonly #eviction: Eviction;

  /** The same seed gives the same hits. */
  constructor(bounds: Bounds, seed = 1) {
    const evicted = (slot: number) => this.#slots.delete(this.#keys[slot]!);
    this.#eviction = new Eviction({ ...bounds, random: seededRandom(seed), evicted });
  }

  request(key: number, bytes: number, worth: number): boolean {
    const found = this.#slots.get(key);
    if (found !== undefined) {
      this.#eviction.hit(found);
      return true;
    }
    const slot = this.#eviction.add(mixed(key, this.#eviction.seed), bytes, worth);
    if (slot !== none) {
      this.#keys[slot] = key;
      this.#slots.set(key, slot);
    }
    return false;
  }
}
