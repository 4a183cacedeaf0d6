import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../kernel/random.ts';
import { Eviction } from './eviction.ts';
import { mixed } from './hash.ts';
import { Residents, wholeCache } from './residents.ts';
import { FrequencySketch } from './sketch.ts';
import { none } from './slot-lists.ts';
import { Lru } from './trace/lru.ts';
import { Ours } from './trace/ours.ts';
import { WorthScale } from './worth.ts';

/** The policy with a plain model of what is kept: everything it says of slots is checked against that. */
class Checked {
  readonly kept = new Map<number, { slot: number; bytes: number }>();
  readonly #limits: { maxEntries: number; maxBytes: number };
  readonly #keyIn = new Map<number, number>();
  readonly #eviction: Eviction;
  readonly #hash: (key: number) => number;
  evictions = 0;

  constructor(maxEntries: number, maxBytes: number, hash?: (key: number) => number) {
    this.#limits = { maxEntries, maxBytes };
    const evicted = (slot: number) => {
      this.evictions++;
      expect(this.#keyIn.has(slot)).toBe(true);
      this.#forget(slot);
    };
    this.#eviction = new Eviction({ ...this.#limits, random: seededRandom(7), evicted });
    this.#hash = hash ?? ((key) => mixed(key, this.#eviction.seed));
  }

  /** A request: a hit, or the key is put in. */
  request(key: number, bytes = 1, worth?: number): boolean {
    const found = this.kept.get(key);
    if (found === undefined) this.add(key, bytes, worth);
    else this.#eviction.hit(found.slot);
    this.check();
    return found !== undefined;
  }

  add(key: number, bytes: number, worth?: number): void {
    const slot = this.#eviction.add(this.#hash(key), bytes, worth);
    if (slot === none) return;
    expect(this.#keyIn.has(slot)).toBe(false);
    this.#keyIn.set(slot, key);
    this.kept.set(key, { slot, bytes: Math.max(1, Math.ceil(bytes)) });
  }

  replace(key: number, bytes: number, worth?: number): void {
    const found = this.kept.get(key);
    if (found === undefined) return;
    this.#forget(found.slot);
    if (this.#eviction.replace(found.slot, bytes, worth)) {
      this.#keyIn.set(found.slot, key);
      this.kept.set(key, { slot: found.slot, bytes: Math.max(1, Math.ceil(bytes)) });
    }
    this.check();
  }

  remove(key: number): void {
    const found = this.kept.get(key);
    if (found === undefined) return;
    this.#eviction.remove(found.slot);
    this.#forget(found.slot);
    this.check();
  }

  clear(): void {
    this.#eviction.clear();
    this.kept.clear();
    this.#keyIn.clear();
    this.check();
  }

  check(): void {
    const { entries, bytes } = this.#eviction;
    expect(entries).toBe(this.kept.size);
    expect(entries).toBeLessThanOrEqual(this.#limits.maxEntries);
    expect(bytes).toBeLessThanOrEqual(this.#limits.maxBytes);
  }

  sumOfBytes(): number {
    return [...this.kept.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get bytes(): number {
    return this.#eviction.bytes;
  }

  get windowShare(): number {
    return this.#eviction.windowShare;
  }

  #forget(slot: number): void {
    this.kept.delete(this.#keyIn.get(slot)!);
    this.#keyIn.delete(slot);
  }
}

describe('eviction', () => {
  const worth = fc.constantFrom(undefined, 0, 1, 5e6, 1e300, -3, Number.NaN, Infinity);
  const size = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0, 0.5, 299.2, 1e6, -1, Number.NaN));
  const act = fc.record({
    what: fc.constantFrom('request', 'request', 'request', 'replace', 'remove', 'clear'),
    key: fc.nat({ max: 60 }),
    size,
    worth,
    repeated: fc.integer({ min: 1, max: 30 }),
  });

  it('keeps its bounds and knows what is kept, whatever is done', () => {
    const entriesLimit = fc.constantFrom(1, 2, 7, 30, Infinity);
    const bytesLimit = fc.constantFrom(1, 250, 900, 3000);
    fc.assert(
      fc.property(
        entriesLimit,
        bytesLimit,
        fc.array(act, { maxLength: 150 }),
        (maxEntries, maxBytes, acts) => {
          const cache = new Checked(maxEntries, maxBytes);
          for (const each of acts) {
            for (let time = 0; time < each.repeated; time++) {
              const key = each.key + (each.repeated > 15 ? 7 * time : 0);
              if (each.what === 'request') cache.request(key, each.size, each.worth);
              else if (each.what === 'replace') cache.replace(key, each.size, each.worth);
              else if (each.what === 'remove') cache.remove(key);
              else if (each.key === 0) cache.clear();
            }
            expect(cache.bytes).toBe(cache.sumOfBytes());
          }
          for (const key of cache.kept.keys()) cache.remove(key);
          expect(cache.bytes).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps all while there is room', () => {
    const cache = new Checked(500, 1e6);
    for (let key = 0; key < 500; key++) cache.request(key, 1 + (key % 1000));
    expect(cache.evictions).toBe(0);
    expect(cache.kept.size).toBe(500);
  });

  it('declines what is larger than everything, and what is no size', () => {
    const cache = new Checked(Infinity, 1000);
    for (const bytes of [1001, Infinity, Number.NaN, -1]) {
      expect(cache.request(1, bytes)).toBe(false);
    }
    expect(cache.kept.size).toBe(0);
    cache.request(2, 1000);
    expect(cache.kept.size).toBe(1);
    cache.replace(2, 1001);
    expect(cache.kept.size).toBe(0);
  });

  it('takes an unknown worth for the usual one, and one of nothing for little', () => {
    const kept = (worthOf: (key: number) => number | undefined) => {
      const cache = new Checked(100, Infinity);
      for (let round = 0; round < 8; round++) {
        for (let key = 0; key < 300; key++) cache.request(key, 1, worthOf(key));
      }
      return [0, 1, 2].map(
        (rest) => [...cache.kept.keys()].filter((key) => key % 3 === rest).length,
      );
    };
    const [known, unknown] = kept((key) => (key % 3 === 0 ? 5e6 : undefined));
    expect(Math.abs(known! - unknown!)).toBeLessThan(25);
    const [dear, free] = kept((key) => (key % 3 === 0 ? 5e6 : 0));
    expect(dear).toBeGreaterThan(80);
    expect(free).toBeLessThan(20);
    expect(kept((key) => (key % 3 === 0 ? Number.NaN : -5)).every((count) => count > 15)).toBe(
      true,
    );
  });

  it('becomes LRU where only recency counts, and turns back', () => {
    const cache = new Checked(200, Infinity);
    let hits = 0;
    for (let key = 0; key < 6000; key++) {
      cache.request(key);
      if (key >= 60 && cache.request(key - 60)) hits++;
    }
    expect(cache.windowShare).toBeGreaterThan(0.5);
    expect(hits).toBeGreaterThan(5800);
    hits = 0;
    for (let at = 0; at < 12_000; at++) if (cache.request(1e6 + (at % 400))) hits++;
    expect(cache.windowShare).toBeLessThan(0.5);
    expect(hits).toBeGreaterThan(3500);
  });

  it('is hardly below LRU on few requests where recency counts', () => {
    for (const maxEntries of [10, 30, 100, 300]) {
      for (let seed = 1; seed <= 5; seed++) {
        const random = seededRandom(seed);
        const bounds = { maxEntries, maxBytes: Infinity };
        const [ours, lru] = [new Ours(bounds, seed), new Lru(bounds)];
        let behind = 0;
        for (let at = 0; at < 2000; at++) {
          // Four of five requests ask again for what was new a while ago.
          const back = Math.floor(0.9 * maxEntries * random.next());
          const key = at % 5 === 0 ? at : 5 * Math.floor(Math.max(0, at - back) / 5);
          behind += Number(lru.request(key, 1)) - Number(ours.request(key, 1, 1));
        }
        expect(behind).toBeLessThanOrEqual(20);
      }
    }
  });

  it('soon keeps what a cache with its window would have kept from the beginning', () => {
    const judges = {
      sketch: new FrequencySketch(1),
      worths: new WorthScale(),
      random: seededRandom(1),
    };
    const kept = new Set<number>();
    const limits = { maxEntries: 100, maxBytes: Infinity };
    const evicted = (slot: number) => kept.delete(residents.slots.hash(slot));
    const wouldKeep = (hash: number) => hash >= 1000 && hash < 1100;
    const residents = new Residents({ limits, ...judges, evicted, wouldKeep }, wholeCache);
    const add = (hash: number) => {
      if (!kept.has(hash) && residents.add(hash, 1, 1) !== none) kept.add(hash);
    };
    for (let hash = 0; hash < 100; hash++) add(hash);
    residents.windowShare = 0.01;
    for (let hash = 1000; hash < 1300; hash++) add(hash);
    expect([...kept].filter(wouldKeep).length).toBeGreaterThan(90);
  });

  it('loses nothing over very many acts, with bounds held to the end', () => {
    const random = seededRandom(5);
    const keyIn: (number | undefined)[] = [];
    const slotOf = new Map<number, number>();
    const forget = (slot: number) => {
      slotOf.delete(keyIn[slot]!);
      keyIn[slot] = undefined;
    };
    const eviction = new Eviction({ maxEntries: 1000, maxBytes: 1e6, random, evicted: forget });
    let doubly = 0;
    for (let act = 0; act < 300_000; act++) {
      const key = Math.floor(5000 * random.next() ** 2);
      const slot = slotOf.get(key);
      if (slot === undefined) {
        const added = eviction.add(mixed(key, eviction.seed), 1 + (key % 3000), key % 7);
        if (added === none) continue;
        if (keyIn[added] !== undefined) doubly++;
        keyIn[added] = key;
        slotOf.set(key, added);
      } else if (act % 50 > 0) eviction.hit(slot);
      else {
        eviction.remove(slot);
        forget(slot);
      }
    }
    expect(doubly).toBe(0);
    expect(eviction.entries).toBe(slotOf.size);
    expect(keyIn.length).toBeLessThanOrEqual(1001);
    expect(eviction.bytes).toBeLessThanOrEqual(1e6);
    expect(eviction.bytes).toBe([...slotOf.keys()].reduce((sum, key) => sum + 1 + (key % 3000), 0));
  });

  it('stays right, if blind, where all keys have one hash', () => {
    const cache = new Checked(50, Infinity, () => 42);
    for (let at = 0; at < 5000; at++) cache.request(at % 75);
    for (const key of cache.kept.keys()) cache.remove(key);
    expect(cache.bytes).toBe(0);
  });

  it('is not led astray by keys made to meet in the sketch of another seed', () => {
    const hitsAfter = (others: readonly number[]) => {
      const cache = new Checked(200, Infinity);
      for (let at = 0; at < 6000; at++)
        cache.request(at % 3 === 0 ? -1 - ((at / 3) % 100) : 1e6 + at);
      for (const key of others) cache.request(key);
      let hits = 0;
      for (let key = -100; key < 0; key++) if (cache.request(key)) hits++;
      return hits;
    };
    const meeting: number[] = [];
    for (let key = 0; meeting.length < 1500; key++) {
      if ((mixed(mixed(key, 1), 1) & 63) === 5) meeting.push(key);
    }
    const plain = meeting.map((_, at) => at);
    expect(hitsAfter(plain)).toBeGreaterThan(85);
    expect(hitsAfter(meeting)).toBeGreaterThan(hitsAfter(plain) - 10);
  });
});
