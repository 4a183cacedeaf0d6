import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beladyHits, nextUses } from './belady.ts';
import { Lru } from './lru.ts';
import { Ours } from './ours.ts';
import { Trace } from './trace.ts';
import { savingBound } from './upper-bound.ts';

/** The most hits there can be, by trying everything: with `room` for sizes, who may be left out. */
function mostHits(keys: readonly number[], sizeOf: (key: number) => number, room: number): number {
  let states = new Map<string, { kept: number[]; hits: number }>([['', { kept: [], hits: 0 }]]);
  for (const key of keys) {
    const after = new Map<string, { kept: number[]; hits: number }>();
    for (const { kept, hits } of states.values()) {
      const gained = hits + (kept.includes(key) ? 1 : 0);
      const all = kept.includes(key) ? kept : [...kept, key];
      for (let choice = 0; choice < 2 ** all.length; choice++) {
        const some = all.filter((_, at) => (choice >> at) & 1).toSorted((a, b) => a - b);
        if (some.reduce((sum, each) => sum + sizeOf(each), 0) > room) continue;
        const name = some.join();
        if ((after.get(name)?.hits ?? -1) < gained) after.set(name, { kept: some, hits: gained });
      }
    }
    states = after;
  }
  return Math.max(...[...states.values()].map(({ hits }) => hits));
}

function traceOf(keys: readonly number[], sizeOf: (key: number) => number): [Trace, Int32Array] {
  const trace = new Trace();
  for (const key of keys) trace.add(`k${key}`, sizeOf(key));
  return [trace, nextUses(trace.keys, trace.uniqueKeys)];
}

const someKeys = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 14 });

describe('what cannot be passed', () => {
  it('is the optimum where all entries are alike', () => {
    fc.assert(
      fc.property(someKeys, fc.integer({ min: 1, max: 4 }), (keys, room) => {
        const [, next] = traceOf(keys, () => 1);
        expect(beladyHits(next, room)).toBe(mostHits(keys, () => 1, room));
      }),
    );
  });

  it('is above the optimum where sizes differ', () => {
    fc.assert(
      fc.property(someKeys, fc.integer({ min: 1, max: 9 }), (keys, room) => {
        const sizeOf = (key: number) => 1 + ((key * 3) % 5);
        const [trace, next] = traceOf(keys, sizeOf);
        const bound = savingBound(trace, next, room, () => 1);
        expect(bound).toBeGreaterThanOrEqual(mostHits(keys, sizeOf, room) - 1e-9);
      }),
    );
  });

  it('is above LRU and us', () => {
    const keys = Array.from({ length: 5000 }, (_, at) => (at * at * 31) % 257);
    const [, next] = traceOf(keys, () => 1);
    for (const maxEntries of [1, 10, 100, 300]) {
      const best = beladyHits(next, maxEntries);
      for (const cache of [
        new Lru({ maxEntries, maxBytes: Infinity }),
        new Ours({ maxEntries, maxBytes: Infinity }),
      ]) {
        expect(keys.filter((key) => cache.request(key, 1, 1)).length).toBeLessThanOrEqual(best);
      }
    }
  });
});

describe('LRU', () => {
  it('does what a list does', () => {
    const requests = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.integer({ min: 1, max: 6 })));
    fc.assert(
      fc.property(requests, (made) => {
        const lru = new Lru({ maxEntries: 5, maxBytes: 14 });
        let list: [number, number][] = [];
        for (const [key, bytes] of made) {
          const isThere = list.some(([each]) => each === key);
          expect(lru.request(key, bytes)).toBe(isThere);
          list = [...list.filter(([each]) => each !== key), [key, bytes]];
          while (list.length > 5 || list.reduce((sum, [, each]) => sum + each, 0) > 14)
            list.shift();
        }
      }),
    );
  });
});
