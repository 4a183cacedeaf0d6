import { describe, expect, it } from 'vitest';
import { Signals } from '../kernel/signals.ts';
import { seededRandom } from '../kernel/random.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { sampleEntry } from './sample-entry.ts';
import { CacheStack } from './stack.ts';
import type { CacheEntry, CacheTier } from './tier.ts';
import { createMemoryTier } from './tiers/memory.ts';

type Acts = 'get' | 'set' | 'delete' | 'clear' | 'stats';

/** A tier over a map that can be told to throw or to hang, at once or later. */
class FaultyTier implements CacheTier {
  readonly name: string;
  readonly entries = new Map<string, CacheEntry>();
  readonly acts: string[] = [];
  mode: 'now' | 'later' | 'throwing' | 'rejecting' | 'hanging' = 'now';
  /** Overrides `mode` for each act. */
  fate: (() => FaultyTier['mode']) | undefined;
  readonly hanging: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get(key: string) {
    return this.#act('get', key, () => this.entries.get(key));
  }
  set(entry: CacheEntry) {
    return this.#act('set', entry.key, () => void this.entries.set(entry.key, entry));
  }
  delete(key: string) {
    return this.#act('delete', key, () => this.entries.delete(key));
  }
  clear() {
    return this.#act('clear', '', () => this.entries.clear());
  }
  stats() {
    return this.#act('stats', '', () => ({ entries: this.entries.size, bytes: 0, evictions: 0 }));
  }
  flush() {
    return Promise.resolve();
  }
  close() {
    return Promise.resolve();
  }

  #act<Value>(act: Acts, key: string, work: () => Value): Value | Promise<Value> {
    this.acts.push(`${act} ${key}`.trim());
    switch (this.fate?.() ?? this.mode) {
      case 'now':
        return work();
      case 'later':
        return Promise.resolve().then(work);
      case 'throwing':
        throw new Error(`${act} broke`);
      case 'rejecting':
        return Promise.reject(new Error(`${act} broke`));
      case 'hanging':
      default:
        return new Promise((resolve) => this.hanging.push(() => resolve(work())));
    }
  }
}

function setUp(...names: string[]) {
  const clock = new SimulatedClock();
  const signals = new Signals();
  const told: string[] = [];
  signals.on('part-failed', ({ part, operation }) => told.push(`${part} ${operation}`));
  signals.on('part-healed', ({ part }) => told.push(`${part} healed`));
  const tiers = names.map((name) => new FaultyTier(name));
  const stack = new CacheStack({ tiers, clock, signals });
  const entry = sampleEntry({ key: 'k', now: clock.now(), ttlMs: 60_000 });
  return {
    clock,
    told,
    tiers: tiers as [FaultyTier, FaultyTier, FaultyTier],
    stack,
    entry,
    signals,
  };
}

/** Lets promises that are due settle. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a stack of tiers', () => {
  it('answers at once from a tier that does', () => {
    const { stack, entry } = setUp('l1', 'l3');
    stack.store(entry);
    expect(stack.find('k')).toEqual({ entry, tier: 'l1' });
    expect(stack.find('none')).toBeUndefined();
  });

  it('gives what a slower tier has to the faster ones only, with its own times', () => {
    const { stack, entry, tiers, clock } = setUp('l1', 'l2', 'l3');
    tiers[1].entries.set('k', entry);
    clock.advance(30_000);
    expect(stack.find('k')).toEqual({ entry, tier: 'l2' });
    expect(tiers[0].entries.get('k')).toBe(entry);
    expect(tiers[1].acts).toEqual(['get k']);
    expect(tiers[2].acts).toEqual([]);
  });

  it('lets what moved up end when it would have ended', () => {
    const clock = new SimulatedClock();
    const signals = new Signals();
    const slow = new FaultyTier('l3');
    const memory = createMemoryTier({ maxEntries: 10, maxBytes: 1e6, clock });
    const stack = new CacheStack({ tiers: [memory, slow], clock, signals });
    slow.entries.set('k', sampleEntry({ key: 'k', now: clock.now(), ttlMs: 1000 }));
    clock.advance(999);
    expect(stack.find('k')).toMatchObject({ tier: 'l3' });
    expect(stack.find('k')).toMatchObject({ tier: 'l1' });
    slow.entries.clear();
    clock.advance(1);
    expect(stack.find('k')).toBeUndefined();
  });

  it('walks through tiers that answer later, once for all who ask', async () => {
    const { stack, entry, tiers } = setUp('l1', 'l2', 'l3');
    tiers[1].mode = 'later';
    tiers[2].mode = 'later';
    tiers[2].entries.set('k', entry);
    const found = await Promise.all(Array.from({ length: 100 }, async () => stack.find('k')));
    expect(new Set(found)).toHaveLength(1);
    expect(found[0]).toEqual({ entry, tier: 'l3' });
    await stack.flush();
    expect(tiers[2].acts).toEqual(['get k']);
    expect(tiers[1].acts).toEqual(['get k', 'set k']);
    expect(stack.find('k')).toEqual({ entry, tier: 'l1' });
  });

  it('does not put what a search finds in the place of what came meanwhile', async () => {
    const { stack, entry, tiers } = setUp('l1', 'l3');
    tiers[1].entries.set('k', entry);
    tiers[1].mode = 'hanging';
    const searching = stack.find('k');
    tiers[1].mode = 'now';
    const newer = { ...entry, storedAt: entry.storedAt + 1 };
    stack.store(newer);
    tiers[1].entries.set('k', entry);
    for (const release of tiers[1].hanging) release();
    expect(await searching).toEqual({ entry, tier: 'l3' });
    expect(tiers[0].entries.get('k')).toBe(newer);

    tiers[1].mode = 'hanging';
    tiers[0].entries.clear();
    const again = stack.find('k');
    tiers[1].mode = 'now';
    await stack.delete('k');
    for (const release of tiers[1].hanging) release();
    await again;
    expect(tiers[0].entries.size).toBe(0);
  });

  it('deletes and clears in all tiers', async () => {
    const { stack, entry, tiers } = setUp('l1', 'l3');
    tiers[1].mode = 'later';
    stack.store(entry);
    await stack.flush();
    expect(await stack.delete('k')).toBe(true);
    expect(await stack.delete('k')).toBe(false);
    stack.store(entry);
    await stack.flush();
    await stack.clear();
    expect(tiers[0].entries.size + tiers[1].entries.size).toBe(0);
  });

  it('counts hits and misses of each tier', async () => {
    const { stack, entry, tiers } = setUp('l1', 'l3');
    tiers[1].entries.set('k', entry);
    void stack.find('k');
    void stack.find('k');
    void stack.find('other');
    expect(await stack.stats()).toMatchObject([
      { tier: 'l1', hits: 1, misses: 2, failures: 0, stats: { entries: 1 } },
      { tier: 'l3', hits: 1, misses: 1, failures: 0, stats: { entries: 1 } },
    ]);
  });
});

describe('a broken tier', () => {
  it.each(['throwing', 'rejecting'] as const)('is a miss and a signal when %s', async (mode) => {
    const { stack, entry, tiers, told } = setUp('l1', 'l2', 'l3');
    tiers[1].mode = mode;
    tiers[2].entries.set('k', entry);
    expect(await stack.find('k')).toEqual({ entry, tier: 'l3' });
    await stack.flush();
    expect(told).toEqual(['cache.l2 get', 'cache.l2 set']);
    expect(tiers[0].entries.has('k')).toBe(true);
    stack.store(entry);
    await stack.flush();
    expect(told).toHaveLength(3);
    expect(await stack.stats()).toMatchObject([{}, { stats: undefined }, {}]);
  });

  it('is passed over when it is slow, and its late answer is dropped', async () => {
    const { stack, entry, tiers, told, clock } = setUp('l1', 'l2', 'l3');
    tiers[1].mode = 'hanging';
    tiers[2].entries.set('k', entry);
    const finding = stack.find('k');
    clock.advance(20);
    expect(await finding).toEqual({ entry, tier: 'l3' });
    expect(told).toEqual(['cache.l2 get']);
    clock.advance(1000);
    await stack.flush();
    expect(told).toEqual(['cache.l2 get', 'cache.l2 set']);
    for (const release of tiers[1].hanging) release();
    await settle();
    expect(clock.nextAt()).toBeUndefined();
  });

  it('is left alone after failures in a row, tried once after the cool-down, and heals', () => {
    const { stack, tiers, told, clock } = setUp('l1');
    tiers[0].mode = 'throwing';
    for (let index = 0; index < 20; index++) void stack.find('k');
    expect(tiers[0].acts).toHaveLength(5);
    clock.advance(4999);
    void stack.find('k');
    expect(tiers[0].acts).toHaveLength(5);
    clock.advance(1);
    void stack.find('k');
    void stack.find('k');
    expect(tiers[0].acts).toHaveLength(6);
    expect(told).toHaveLength(6);
    tiers[0].mode = 'now';
    clock.advance(5000);
    void stack.find('k');
    void stack.find('k');
    expect(tiers[0].acts).toHaveLength(8);
    expect(told.slice(6)).toEqual(['cache.l1 healed']);
  });

  it('lets only one call try a hanging tier', async () => {
    const { stack, tiers, clock } = setUp('l1');
    tiers[0].mode = 'hanging';
    for (let index = 0; index < 5; index++) {
      const finding = stack.find(`k${index}`);
      clock.advance(20);
      await finding;
    }
    clock.advance(5000);
    const tries = Array.from({ length: 10 }, (_, index) => stack.find(`p${index}`));
    expect(tries.filter((each) => each instanceof Promise)).toHaveLength(1);
  });

  it('cannot make a deletion look done, and is asked even while left alone', async () => {
    const { stack, entry, tiers, told } = setUp('l1', 'l3');
    stack.store(entry);
    tiers[1].mode = 'throwing';
    for (let index = 0; index < 9; index++) void stack.find(`k${index}`);
    await expect(stack.delete('k')).rejects.toMatchObject({
      code: 'ECO_CACHE_PURGE',
      message: expect.stringContaining('l3') as string,
    });
    await expect(stack.clear()).rejects.toMatchObject({ code: 'ECO_CACHE_PURGE' });
    expect(tiers[0].entries.size).toBe(0);
    expect(told.slice(-2)).toEqual(['cache.l3 delete', 'cache.l3 clear']);
  });

  it('never fails a call nor brings a wrong answer, whatever happens (seeded)', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { stack, tiers, clock } = setUp('l1', 'l2', 'l3');
      const random = seededRandom(seed);
      const fates = ['now', 'later', 'throwing', 'rejecting', 'hanging'] as const;
      for (const tier of tiers) {
        tier.fate = () => (random.next() < 0.6 ? 'now' : fates[Math.floor(random.next() * 5)]!);
      }
      for (let step = 0; step < 200; step++) {
        const key = `k${Math.floor(random.next() * 10)}`;
        if (random.next() < 0.3) stack.store(sampleEntry({ key, now: clock.now(), bytes: 10 }));
        const finding = stack.find(key);
        if (finding instanceof Promise) {
          // Time passes until the search ends, whichever tiers hang.
          for (let ended = false; !ended; clock.advance(10)) {
            ended = await Promise.race([finding.then(() => true), settle().then(() => false)]);
          }
        }
        const found = await finding;
        if (found !== undefined) expect(found.entry.key).toBe(key);
      }
    }
  });
});
