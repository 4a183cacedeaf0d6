import assert from 'node:assert/strict';
import { digestOf } from '../kernel/digest.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import type { ConformanceCase } from './conformance.ts';
import { sameEntry } from './same-entry.ts';
import { sampleEntry, type SampleOptions } from './sample-entry.ts';
import type { Awaitable, CacheEntry, CacheTier } from './tier.ts';

/** A tier that others fill, with what the suite needs to handle it. */
export interface ReadTierOnTrial {
  readonly tier: CacheTier;
  /** Puts an entry where the tier finds it. @returns the entry as it lies there, with labels that it may need. */
  readonly put: (entry: CacheEntry) => Awaitable<CacheEntry>;
  /** Frees what belongs to the trial once the suite has closed the tier. */
  readonly dispose?: () => Awaitable<void>;
}

export interface ReadConformanceOptions {
  /** The name of the tier, for the names of the cases. */
  readonly name: string;
  /** A new tier over nothing that goes by `clock`. */
  readonly create: (clock: SimulatedClock) => Awaitable<ReadTierOnTrial>;
}

interface Trial extends ReadTierOnTrial {
  readonly clock: SimulatedClock;
}

/** What a cache tier must do that is read only, as `cacheTierConformance` says it of those that are written to. */
export function readTierConformance(options: ReadConformanceOptions): readonly ConformanceCase[] {
  return Object.entries(cases).map(([name, check]) => ({
    name: `${options.name}: ${name}`,
    async run() {
      const clock = new SimulatedClock();
      const trial: Trial = { ...(await options.create(clock)), clock };
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
  async 'gives back what was put, byte for byte'({ tier, put, clock }) {
    const sizes = [
      {},
      { framesBytes: 900 },
      { bytes: 0, framesBytes: 0 },
      { bytes: 100_000, framesBytes: 20_000 },
    ];
    for (const [index, size] of sizes.entries()) {
      const entry = await put(entryAt(clock, `k${index}`, size));
      sameEntry(await tier.get(entry.key), entry);
    }
    assert.equal(await tier.get(digestOf('never put')), undefined);
  },

  async 'never gives an entry past its staleUntil'({ tier, put, clock }) {
    const times = { ttlMs: 60_000, staleMs: 5000 };
    const entry = await put(entryAt(clock, 'short', times));
    clock.advance(30_000);
    sameEntry(await tier.get(entry.key), entry);
    clock.advanceTo(entry.staleUntil);
    assert.equal(await tier.get(entry.key), undefined);
  },

  async 'gives what was put last'({ tier, put, clock }) {
    await put(entryAt(clock, 'same', { seed: 1 }));
    const second = await put(entryAt(clock, 'same', { seed: 2 }));
    sameEntry(await tier.get(second.key), second);
  },

  async 'keeps its answers apart under many reads at once'({ tier, put, clock }) {
    const entries: CacheEntry[] = [];
    for (let seed = 0; seed < 30; seed++)
      entries.push(await put(entryAt(clock, `k${seed}`, { seed })));
    const reads = Array.from({ length: 300 }, async (_, index) => {
      const entry = entries[index % entries.length]!;
      sameEntry(await tier.get(entry.key), entry);
    });
    await Promise.all(reads);
  },

  async 'takes nothing, and has nothing to delete'({ tier, put, clock }) {
    const entry = entryAt(clock, 'set', {});
    await tier.set(entry);
    await tier.flush();
    assert.equal(await tier.get(entry.key), undefined);
    const kept = await put(entryAt(clock, 'kept', {}));
    assert.equal(await tier.delete(kept.key), false);
    await tier.clear();
    sameEntry(await tier.get(kept.key), kept);
    assert.equal((await tier.stats()).entries, 0);
  },
};

function entryAt(clock: SimulatedClock, name: string, options: Partial<SampleOptions>): CacheEntry {
  return sampleEntry({ key: digestOf(name), now: clock.now(), ...options });
}
