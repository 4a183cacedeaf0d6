import { mixed } from '../../../src/cache/eviction/hash.ts';
import { FrequencySketch } from '../../../src/cache/eviction/sketch.ts';
import { none, SlotLists } from '../../../src/cache/eviction/slot-lists.ts';
import type { Bounds, SimulatedCache } from '../../../src/cache/eviction/trace/simulated.ts';

const window = 0;
const probation = 1;
const shielded = 2;

/** W-TinyLFU (Einziger, Friedman, Manes, 2017) as in Caffeine, with a window of one hundredth that stays so. */
export class WTinyLfu implements SimulatedCache {
  readonly #capacity: number;
  readonly #windowSize: number;
  readonly #sketch = new FrequencySketch(1);
  readonly #slots = new Map<number, number>();
  readonly #lists = new SlotLists(3);
  readonly #sizes = [0, 0, 0];
  readonly #part: Uint8Array;
  readonly #keys: Float64Array;
  #free: number[];

  constructor({ maxEntries }: Bounds) {
    this.#capacity = maxEntries;
    this.#windowSize = Math.max(1, Math.floor(maxEntries / 100));
    this.#sketch.fit(maxEntries);
    this.#lists.use(new Int32Array(2 * (maxEntries + 1)));
    this.#part = new Uint8Array(maxEntries + 1);
    this.#keys = new Float64Array(maxEntries + 1);
    this.#free = Array.from({ length: maxEntries + 1 }, (_, slot) => slot);
  }

  request(key: number): boolean {
    this.#sketch.add(mixed(key, 1));
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      this.#hit(slot);
      return true;
    }
    const added = this.#free.pop()!;
    this.#keys[added] = key;
    this.#slots.set(key, added);
    this.#enter(window, added);
    if (this.#sizes[window]! > this.#windowSize) this.#leaveWindow();
    return false;
  }

  #hit(slot: number): void {
    const part = this.#part[slot]!;
    if (part !== probation) return this.#lists.renew(part, slot);
    this.#move(slot, shielded);
    if (this.#sizes[shielded]! > 0.8 * (this.#capacity - this.#windowSize)) {
      this.#move(this.#lists.oldest(shielded), probation);
    }
  }

  #leaveWindow(): void {
    const candidate = this.#lists.oldest(window);
    if (this.#slots.size <= this.#capacity) return this.#move(candidate, probation);
    let victim = this.#lists.oldest(probation);
    if (victim === none) victim = this.#lists.oldest(shielded);
    if (victim === none || this.#count(candidate) <= this.#count(victim))
      return this.#evict(candidate);
    this.#evict(victim);
    this.#move(candidate, probation);
  }

  #count(slot: number): number {
    return this.#sketch.count(mixed(this.#keys[slot]!, 1));
  }

  #evict(slot: number): void {
    this.#leave(slot);
    this.#slots.delete(this.#keys[slot]!);
    this.#free.push(slot);
  }

  #move(slot: number, part: number): void {
    this.#leave(slot);
    this.#enter(part, slot);
  }

  #enter(part: number, slot: number): void {
    this.#part[slot] = part;
    this.#sizes[part]!++;
    this.#lists.pushNewest(part, slot);
  }

  #leave(slot: number): void {
    const part = this.#part[slot]!;
    this.#sizes[part]!--;
    this.#lists.remove(part, slot);
  }
}
