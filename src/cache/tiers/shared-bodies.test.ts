import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { packEntry } from '../answer-codec.ts';
import { sampleEntry } from '../sample-entry.ts';
import type { CacheEntry } from '../tier.ts';
import { createMemoryTier } from './memory.ts';

function setUp(limits: { maxEntries?: number; maxBytes?: number } = {}) {
  const clock = new SimulatedClock();
  const tier = createMemoryTier({ maxEntries: 1000, maxBytes: 1e7, ...limits, clock });
  const entry = (key: string, bytes: number, more: Partial<CacheEntry> = {}): CacheEntry => ({
    ...sampleEntry({ key, bytes, now: clock.now() }),
    ...more,
  });
  return { clock, tier, entry };
}

/** With its bytes as bytes, whatever holds them. */
function plain(entry: CacheEntry | undefined): unknown {
  return entry && { ...entry, answer: { ...entry.answer, final: Buffer.from(entry.answer.final) } };
}

describe('equal bodies in memory', () => {
  it('are kept once and counted once, whoever goes first', () => {
    const { tier, entry } = setUp();
    for (const key of ['a', 'b', 'c']) tier.set(entry(key, 50_000));
    expect(tier.stats().bytes).toBeLessThan(60_000);
    expect(tier.stats().sharedBytesSaved).toBe(100_000);
    tier.delete('a');
    expect(tier.stats().bytes).toBeGreaterThan(50_000);
    expect(tier.stats().sharedBytesSaved).toBe(50_000);
    tier.delete('c');
    expect(tier.stats().bytes).toBeGreaterThan(50_000);
    expect(tier.stats().sharedBytesSaved).toBe(0);
    expect(plain(tier.get('b'))).toEqual(plain(entry('b', 50_000)));
    tier.delete('b');
    expect(tier.stats()).toMatchObject({ bytes: 0, sharedBytesSaved: 0 });
  });

  it('are told from those that are the same in most places', () => {
    const { tier, entry } = setUp();
    const first = entry('a', 50_000);
    const final = Buffer.from(first.answer.final);
    final[10_000]! ^= 1;
    const other = { ...first, key: 'b', answer: { ...first.answer, final } };
    for (const each of [first, other]) tier.set(each);
    expect(tier.stats().sharedBytesSaved).toBe(0);
    for (const each of [first, other]) expect(plain(tier.get(each.key))).toEqual(plain(each));
  });

  it('are kept twice where the policy says so, or where they are small', () => {
    const { tier, entry } = setUp();
    for (const key of ['a', 'b']) tier.set(entry(key, 50_000, { alone: true }));
    for (const key of ['c', 'd']) tier.set(entry(key, 1000));
    expect(tier.stats().bytes).toBeGreaterThan(100_000);
    expect(tier.stats().sharedBytesSaved).toBe(0);
  });

  it('stay each what they were when they are compressed', () => {
    const { tier, entry } = setUp();
    const final = Buffer.from('the same words again and again. '.repeat(3000));
    const packed = (key: string): CacheEntry => {
      const { answer, ...rest } = entry(key, 10, { storage: 'packed' });
      return { ...rest, answer: { ...answer, final } };
    };
    // Above the threshold though it packs well.
    const noisy = (key: string): CacheEntry => entry(key, 50_000, { storage: 'packed' });
    for (const key of ['a', 'b']) tier.set(packed(key));
    for (const key of ['c', 'd']) tier.set(noisy(key));
    for (const key of ['a', 'b']) expect(Buffer.from(tier.get(key)!.answer.final)).toEqual(final);
    expect(plain(tier.get('d'))).toEqual(plain(noisy('d')));
  });

  it('are counted right whatever is done', () => {
    const act = fc.tuple(
      fc.constantFrom('set', 'set', 'set', 'get', 'delete', 'wait'),
      fc.nat({ max: 12 }),
      fc.constantFrom(500, 2500, 2501, 4000, 7000),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const { tier, entry, clock } = setUp({ maxEntries: 10, maxBytes: 60_000 });
        for (const [what, number, size] of acts) {
          const key = `k${number}`;
          if (what === 'set') tier.set(entry(key, size, { staleUntil: clock.now() + size }));
          else if (what === 'get') tier.get(key);
          else if (what === 'delete') tier.delete(key);
          else clock.advance(size / 10);
        }
        const found = [...Array(13).keys()].flatMap((number) => tier.get(`k${number}`) ?? []);
        const apart = found.reduce((sum, each) => sum + 900 + packEntry(each).length, 0);
        const sizes = found.map(({ answer }) => answer.final.length).filter((size) => size > 2048);
        const once = [...new Set(sizes)].reduce((sum, size) => sum + size, 0);
        const saved = sizes.reduce((sum, size) => sum + size, 0) - once;
        for (const { key, answer } of found) {
          const given = entry(key, answer.final.length).answer.final;
          expect(Buffer.compare(answer.final, given)).toBe(0);
        }
        const stats = tier.stats();
        expect(stats).toMatchObject({ entries: found.length, sharedBytesSaved: saved });
        expect(stats.bytes).toBe(apart - saved);
        expect(stats.bytes).toBeLessThanOrEqual(60_000);
      }),
      { numRuns: 300 },
    );
  });
});
