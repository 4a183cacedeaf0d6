import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mixed } from './hash.ts';
import { FrequencySketch } from './sketch.ts';

const hashes = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => mixed(from + index, 99));

describe('the frequency sketch', () => {
  it('never counts too low, before it halves', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 900 }), fc.integer(), (keys, seed) => {
        const sketch = new FrequencySketch(seed);
        sketch.fit(100);
        const counts = new Map<number, number>();
        for (const key of keys) {
          sketch.add(key);
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        for (const [key, count] of counts) {
          expect(sketch.count(key)).toBeGreaterThanOrEqual(Math.min(15, count));
        }
      }),
    );
  });

  it('counts nearly right', () => {
    const sketch = new FrequencySketch(1);
    sketch.fit(1000);
    for (const hash of hashes(0, 1000)) for (let time = 0; time < 4; time++) sketch.add(hash);
    const wrong = hashes(0, 1000).filter((hash) => sketch.count(hash) !== 4).length;
    expect(wrong).toBeLessThan(20);
    expect(hashes(5000, 1000).filter((hash) => sketch.count(hash) > 0).length).toBeLessThan(50);
  });

  it('lets old fame fade', () => {
    const sketch = new FrequencySketch(1);
    sketch.fit(100);
    for (let time = 0; time < 15; time++) sketch.add(7);
    expect(sketch.count(7)).toBe(15);
    for (const hash of hashes(0, 4000)) sketch.add(hash);
    expect(sketch.count(7)).toBeLessThan(8);
  });

  it('keeps its counts as it grows', () => {
    const sketch = new FrequencySketch(3);
    sketch.fit(10);
    const keys = hashes(0, 10);
    for (const hash of keys) for (let time = 0; time < 5; time++) sketch.add(hash);
    for (const entries of [20, 500, 10_000]) {
      sketch.fit(entries);
      for (const hash of keys) expect(sketch.count(hash)).toBeGreaterThanOrEqual(5);
    }
    expect(sketch.bytes / 10_000).toBeLessThanOrEqual(32);
  });
});
