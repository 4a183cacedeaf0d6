import assert from 'node:assert/strict';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { type Purged } from './invalidation/purge-table.ts';
import { noMark, type Mark } from './invalidation/mark.ts';
import { sampleEntry } from './sample-entry.ts';
import { sameEntry } from './same-entry.ts';
import type { Awaitable, CacheEntry, CacheTier } from './tier.ts';

/** A tier with what the suite needs to handle it. */
export interface TierOnTrial {
  readonly tier: CacheTier;
  /** For tiers that persist: a new tier over what this one kept. The suite has closed it before. */
  readonly reopen?: () => Awaitable<CacheTier>;
  /** Frees what belongs to the trial once the suite has closed the tier. */
  readonly dispose?: () => Awaitable<void>;
}

export interface ConformanceOptions {
  /** The name of the tier, for the names of the cases. */
  readonly name: string;
  /** A new and empty tier that goes by `clock` and holds at most `maxBytes`. */
  readonly create: (options: {
    readonly clock: SimulatedClock;
    readonly maxBytes: number;
  }) => Awaitable<TierOnTrial>;
}

/** One thing that every tier must do. `run` rejects where it does not. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

interface Trial extends TierOnTrial {
  readonly clock: SimulatedClock;
}

const maxBytes = 4 * 1024 * 1024;

/**
 * What every cache tier must do, as a list of cases for any test runner:
 * `for (const { name, run } of cacheTierConformance(...)) test(name, run)`.
 */
export function cacheTierConformance(options: ConformanceOptions): readonly ConformanceCase[] {
  return Object.entries(cases).map(([name, check]) => ({
    name: `${options.name}: ${name}`,
    async run() {
      const clock = new SimulatedClock();
      const trial: Trial = { ...(await options.create({ clock, maxBytes })), clock };
      try {
        await check(trial);
      } finally {
        await trial.tier.close();
        await trial.dispose?.();
      }
    },
  }));
}

const cases: Readonly<Record<string, (trial: Trial) => Promise<void>>> = {
  async 'gives back what was set, byte for byte'({ tier, clock }) {
    const entries = [
      sampleEntry({ key: 'plain', now: clock.now() }),
      sampleEntry({ key: 'streamed', now: clock.now(), framesBytes: 900 }),
      sampleEntry({ key: 'empty', now: clock.now(), bytes: 0, framesBytes: 0 }),
      sampleEntry({ key: 'long', now: clock.now(), bytes: 100_000, framesBytes: 20_000 }),
      bareEntry(clock.now()),
    ];
    for (const entry of entries) await tier.set(entry);
    for (const entry of entries) sameEntry(await tier.get(entry.key), entry);
    await tier.flush();
    for (const entry of entries) sameEntry(await tier.get(entry.key), entry);
    assert.equal(await tier.get('never set'), undefined);
  },

  async 'puts an entry in the place of one with the same key'({ tier, clock }) {
    const first = sampleEntry({ key: 'same', now: clock.now(), seed: 1 });
    const second = sampleEntry({ key: 'same', now: clock.now(), seed: 2 });
    await tier.set(first);
    await tier.flush();
    await tier.set(second);
    sameEntry(await tier.get('same'), second);
    await tier.flush();
    sameEntry(await tier.get('same'), second);
    assert.equal((await tier.stats()).entries, 1);
  },

  async 'deletes, and says whether there was something to delete'({ tier, clock }) {
    await tier.set(sampleEntry({ key: 'kept', now: clock.now() }));
    await tier.set(sampleEntry({ key: 'gone', now: clock.now() }));
    assert.equal(await tier.delete('gone'), true);
    assert.equal(await tier.get('gone'), undefined);
    assert.equal(await tier.delete('gone'), false);
    assert.notEqual(await tier.get('kept'), undefined);
    await tier.flush();
    assert.equal(await tier.delete('kept'), true);
    await tier.flush();
    assert.equal(await tier.get('kept'), undefined);
  },

  async 'clears, and keeps what is set afterwards'({ tier, clock }) {
    for (let index = 0; index < 50; index++) {
      await tier.set(sampleEntry({ key: `old ${index}`, now: clock.now() }));
    }
    await tier.flush();
    await tier.set(sampleEntry({ key: 'unflushed', now: clock.now() }));
    const clearing = tier.clear();
    const after = sampleEntry({ key: 'after', now: clock.now() });
    await tier.set(after);
    assert.equal(await tier.get('old 7'), undefined);
    assert.equal(await tier.get('unflushed'), undefined);
    await clearing;
    await tier.flush();
    assert.equal(await tier.get('old 7'), undefined);
    assert.equal(await tier.get('unflushed'), undefined);
    sameEntry(await tier.get('after'), after);
    assert.equal((await tier.stats()).entries, 1);
  },

  async 'never gives an entry past its staleUntil'({ tier, clock }) {
    const entry = sampleEntry({ key: 'short', now: clock.now(), ttlMs: 1000, staleMs: 500 });
    await tier.set(entry);
    await tier.flush();
    clock.advanceTo(entry.staleUntil - 1);
    sameEntry(await tier.get('short'), entry);
    clock.advanceTo(entry.staleUntil);
    assert.equal(await tier.get('short'), undefined);
    assert.equal(await tier.delete('short'), false);
    await tier.set(entry);
    assert.equal(await tier.get('short'), undefined);
  },

  async 'stays within its bytes'({ tier, clock }) {
    for (let index = 0; index < 800; index++) {
      await tier.set(
        sampleEntry({ key: `k${index}`, now: clock.now(), bytes: 16_000, seed: index }),
      );
      if (index % 100 === 99) {
        await tier.flush();
        const { bytes, entries } = await tier.stats();
        assert.ok(bytes <= maxBytes, `${bytes} bytes after ${index + 1} entries`);
        assert.ok(entries > 50, `only ${entries} entries kept`);
      }
    }
    assert.ok((await tier.stats()).evictions > 0);
  },

  async 'declines what is too large for it, and drops what that replaces'({ tier, clock }) {
    await tier.set(sampleEntry({ key: 'small', now: clock.now() }));
    await tier.set(sampleEntry({ key: 'grows', now: clock.now() }));
    await tier.flush();
    await tier.set(sampleEntry({ key: 'grows', now: clock.now(), bytes: maxBytes / 2 }));
    assert.equal(await tier.get('grows'), undefined);
    await tier.flush();
    assert.equal(await tier.get('grows'), undefined);
    assert.notEqual(await tier.get('small'), undefined);
  },

  async 'keeps equal bodies once and says what that saves, where it shares them'({ tier, clock }) {
    const now = clock.now();
    const saved = async (): Promise<number | undefined> => {
      await tier.flush();
      return (await tier.stats()).sharedBytesSaved;
    };
    if ((await saved()) === undefined) return;
    const entry = (key: string, more: Partial<CacheEntry> = {}): CacheEntry => ({
      ...sampleEntry({ key, now, bytes: 20_000 }),
      ...more,
    });
    for (const key of ['one', 'two', 'three']) await tier.set(entry(key));
    await tier.set(entry('alone', { alone: true }));
    const most = (await saved()) ?? 0;
    assert.ok(most >= 40_000 && most < 42_000, `${most} bytes saved by three of a kind`);
    // Whoever came first goes first, in each of the ways.
    await tier.set(sampleEntry({ key: 'one', now, bytes: 20_000, seed: 9 }));
    assert.ok(((await saved()) ?? 0) < most - 19_000);
    sameEntry(await tier.get('two'), entry('two'));
    await tier.delete('two');
    assert.equal(await saved(), 0);
    sameEntry(await tier.get('three'), entry('three'));
    sameEntry(await tier.get('alone'), entry('alone', { alone: true }));
  },

  async 'counts and removes what was purged, where it can be gone through'({ tier, clock }) {
    if (tier.sweep === undefined) return;
    const now = clock.now();
    const entry = (key: string, more: Partial<CacheEntry>): CacheEntry => ({
      ...sampleEntry({ key, now }),
      ...more,
    });
    await tier.set(entry('meant', { tags: ['tenant:a', 'tag:x'], epoch: 5 }));
    await tier.set(entry('later', { tags: ['tenant:a', 'tag:x'], epoch: 9 }));
    await tier.set(entry('other', { tags: ['tenant:b', 'tag:x'], epoch: 5 }));
    await tier.set(entry('soft', { tags: ['tenant:a', 'tag:y'], epoch: 5 }));
    const line = (selector: string, mark: Partial<Mark>): Purged => ({
      tenant: 'a',
      selector,
      mark: { ...noMark, ...mark },
    });
    const purges = [line('tag:x', { hard: 9 }), line('tag:y', { soft: 9 })];
    assert.equal(await tier.sweep(purges, { remove: false }), 2);
    assert.notEqual(await tier.get('meant'), undefined);
    assert.equal(await tier.sweep(purges, { remove: true }), 2);
    assert.equal(await tier.get('meant'), undefined);
    for (const key of ['later', 'other', 'soft']) {
      assert.notEqual(await tier.get(key), undefined, key);
    }
    assert.equal((await tier.stats()).entries, 3);
  },

  async 'keeps its answers apart under many acts at once'({ tier, clock }) {
    const acts = Array.from({ length: 300 }, async (_, index) => {
      const key = `k${index % 30}`;
      await tier.set(sampleEntry({ key, now: clock.now(), seed: index % 30 }));
      if (index % 7 === 0) await tier.delete(`k${(index + 3) % 30}`);
      if (index % 50 === 0) await tier.flush();
      const found = await tier.get(key);
      if (found !== undefined) {
        sameEntry(found, sampleEntry({ key, now: clock.now(), seed: index % 30 }));
      }
    });
    await Promise.all(acts);
    await tier.flush();
    assert.ok((await tier.stats()).entries <= 30);
  },

  async 'finds again what it kept, where it persists'({ tier, clock, reopen }) {
    if (reopen === undefined) return;
    const entry = sampleEntry({ key: 'kept', now: clock.now(), framesBytes: 5000 });
    await tier.set(entry);
    await tier.close();
    const again = await reopen();
    try {
      sameEntry(await again.get('kept'), entry);
      clock.advanceTo(entry.staleUntil);
      assert.equal(await again.get('kept'), undefined);
    } finally {
      await again.close();
    }
  },
};

function bareEntry(now: number): CacheEntry {
  const { answer, ...times } = sampleEntry({ key: 'bare', now });
  const unlabelled = { tags: [], worthNanos: undefined, epoch: undefined };
  const unknown = {
    model: undefined,
    serviceTier: undefined,
    usage: undefined,
    usageSource: undefined,
    headers: [],
  };
  return { ...times, ...unlabelled, answer: { ...answer, ...unknown } };
}
