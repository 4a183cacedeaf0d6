import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { sampleEntry } from '../sample-entry.ts';
import { createMemoryTier } from './memory.ts';

function setUp(limits: { maxEntries?: number; maxBytes?: number } = {}) {
  const clock = new SimulatedClock();
  const tier = createMemoryTier({ maxEntries: 1000, maxBytes: 1e7, ...limits, clock });
  const entry = (key: string, bytes = 100, ttlMs = 60_000) =>
    sampleEntry({ key, bytes, ttlMs, now: clock.now() });
  return { clock, tier, entry };
}

describe('the memory tier', () => {
  it('answers at once', () => {
    const { tier, entry } = setUp();
    tier.set(entry('k'));
    expect(tier.get('k')).not.toBeInstanceOf(Promise);
  });

  it('never holds more than its entries or its bytes, whatever is done', () => {
    const act = fc.tuple(
      fc.constantFrom('set', 'get', 'delete', 'wait'),
      fc.nat({ max: 30 }),
      fc.nat({ max: 3000 }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const { tier, entry, clock } = setUp({ maxEntries: 10, maxBytes: 30_000 });
        for (const [what, number, size] of acts) {
          const key = `k${number}`;
          if (what === 'set') tier.set(entry(key, size, size));
          else if (what === 'get') expect(tier.get(key)?.key ?? key).toBe(key);
          else if (what === 'delete') tier.delete(key);
          else clock.advance(size);
          const { entries, bytes } = tier.stats();
          expect(entries).toBeLessThanOrEqual(10);
          expect(bytes).toBeLessThanOrEqual(30_000);
          expect(bytes > 0).toBe(entries > 0);
        }
        for (let number = 0; number <= 30; number++) tier.delete(`k${number}`);
        expect(tier.stats()).toMatchObject({ entries: 0, bytes: 0 });
      }),
    );
  });

  it('counts at least the bytes it keeps', () => {
    const { tier, entry } = setUp();
    tier.set(entry('k', 5000));
    expect(tier.stats().bytes).toBeGreaterThan(5000);
    expect(tier.stats().bytes).toBeLessThan(6500);
  });

  it('holds no larger buffer than the answer needs', () => {
    const { tier, entry } = setUp();
    const large = Buffer.alloc(1_000_000, 7);
    const { answer, ...rest } = entry('k');
    const [final, frames] = [large.subarray(100, 200), large.subarray(300, 350)];
    tier.set({ ...rest, answer: { ...answer, final, frames } });
    const kept = tier.get('k')!.answer;
    expect(kept.final.buffer.byteLength).toBeLessThan(500);
    expect(kept.frames!.buffer).toBe(kept.final.buffer);
    expect(Buffer.compare(kept.final, final)).toBe(0);
    expect(Buffer.compare(kept.frames!, frames)).toBe(0);
  });

  it('declines an entry above an eighth of its bytes', () => {
    const { tier, entry } = setUp({ maxBytes: 80_000 });
    tier.set(entry('large', 10_000));
    tier.set(entry('fits', 8000));
    expect(tier.get('large')).toBeUndefined();
    expect(tier.get('fits')).toBeDefined();
  });

  it('gives room back for what has expired, though nobody asks for it', () => {
    const { tier, entry, clock } = setUp();
    for (let index = 0; index < 300; index++) tier.set(entry(`old ${index}`, 100, 1000));
    clock.advance(1000);
    for (let index = 0; index < 300; index++) tier.set(entry(`new ${index}`));
    expect(tier.stats().entries).toBe(300);
    expect(tier.stats().evictions).toBe(0);
  });

  it('keeps what is asked for again among much that is not', () => {
    const { tier, entry } = setUp({ maxEntries: 100 });
    const hot = Array.from({ length: 50 }, (_, index) => `hot ${index}`);
    for (let index = 0; index < 4000; index++) {
      tier.set(entry(`scan ${index}`));
      const key = hot[(index / 4) % hot.length];
      if (key !== undefined && tier.get(key) === undefined) tier.set(entry(key));
    }
    expect(hot.filter((key) => tier.get(key) !== undefined).length).toBeGreaterThan(35);
  });

  it('takes back what it let go and is asked for again', () => {
    const { tier, entry } = setUp({ maxEntries: 100 });
    for (let index = 0; index < 200; index++) tier.set(entry(`k${index}`));
    expect(tier.get('k50')).toBeUndefined();
    for (let time = 0; time < 2; time++) {
      tier.set(entry('k50'));
      for (let index = 0; index < 5; index++) tier.set(entry(`between ${time} ${index}`));
    }
    for (let index = 0; index < 50; index++) tier.set(entry(`scan ${index}`));
    expect(tier.get('k50')).toBeDefined();
  });

  it('keeps what saves more for its bytes', () => {
    const { tier, entry } = setUp({ maxEntries: 1000, maxBytes: 200_000 });
    const put = (key: string, worthNanos: number) => tier.set({ ...entry(key), worthNanos });
    for (let round = 0; round < 6; round++) {
      for (let index = 0; index < 300; index++) {
        const key = `k${index}`;
        if (tier.get(key) === undefined) put(key, index % 3 === 0 ? 9e6 : 1e5);
      }
    }
    const kept = (remainder: number) =>
      Array.from({ length: 100 }, (_, at) => `k${3 * at + remainder}`).filter(
        (key) => tier.get(key) !== undefined,
      ).length;
    expect(kept(0)).toBeGreaterThan(85);
    expect(kept(0)).toBeGreaterThan(kept(1) + kept(2));
  });

  it('does not give up many small entries for a large one, until that is asked for again and again', () => {
    const { tier, entry } = setUp({ maxEntries: 10_000, maxBytes: 1_000_000 });
    const small = Array.from({ length: 800 }, (_, index) => `s${index}`);
    for (const key of small) tier.set(entry(key));
    for (const key of small) tier.get(key);
    for (let index = 0; index < 100; index++) tier.set(entry(`large ${index}`, 110_000));
    expect(small.filter((key) => tier.get(key) !== undefined).length).toBeGreaterThan(750);
    let asked = 0;
    while (asked < 50_000 && tier.get('wanted') === undefined) {
      tier.set(entry('wanted', 110_000));
      asked++;
    }
    expect(tier.get('wanted')).toBeDefined();
  });
});
