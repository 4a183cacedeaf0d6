import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryPurges } from '../../src/cache/invalidation/memory-purges.ts';
import {
  nextVersion,
  purgedAt,
  type SharedPurgeStore,
} from '../../src/cache/invalidation/purge-store.ts';
import { PurgeTable, type Purged } from '../../src/cache/invalidation/purge-table.ts';
import { PurgeWatch } from '../../src/cache/invalidation/purge-watch.ts';
import { Purger } from '../../src/cache/invalidation/purger.ts';
import { sampleEntry } from '../../src/cache/sample-entry.ts';
import { CacheStack } from '../../src/cache/stack.ts';
import type { CacheEntry, CacheTier } from '../../src/cache/tier.ts';
import { createMemoryTier } from '../../src/cache/tiers/memory.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { Signals } from '../../src/kernel/signals.ts';

interface Ear {
  hears: boolean;
  onNews: (lines: readonly Purged[]) => void;
  onGap: () => void;
}

/** What gateways share: a table, a channel that can be cut for each of them, and a tier. */
class Common {
  readonly table = new PurgeTable();
  readonly tier: CacheTier;
  readonly ears: Ear[] = [];
  version = 0;

  constructor(clock: SimulatedClock) {
    const memory = createMemoryTier({ maxEntries: 10_000, maxBytes: 2 ** 28, clock });
    this.tier = {
      name: 'l2',
      shared: true,
      get: (key) => Promise.resolve(memory.get(key)),
      set: (entry) => Promise.resolve(memory.set(entry)),
      delete: (key) => Promise.resolve(memory.delete(key)),
      clear: () => Promise.resolve(memory.clear()),
      sweep: (purges, options) => memory.sweep(purges, options),
      stats: () => Promise.resolve(memory.stats()),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }

  store(ear: Ear): SharedPurgeStore {
    this.ears.push(ear);
    const tell = (lines: readonly Purged[]): void => {
      for (const each of this.ears) if (each.hears && each !== ear) each.onNews(lines);
    };
    return {
      load: () => Promise.resolve([...this.table]),
      add: (orders, known, now) => {
        this.version = nextVersion(this.version, known, now);
        const lines = orders.map((order) => purgedAt(order, this.version));
        tell(this.table.merge(lines));
        return Promise.resolve(lines);
      },
      keep: (lines) => {
        tell(this.table.merge(lines));
        return Promise.resolve();
      },
      listen(onNews, onGap) {
        Object.assign(ear, { onNews, onGap });
        return { tried: Promise.resolve(), end() {} };
      },
      close: () => {},
    };
  }
}

class Gateway {
  readonly clock: SimulatedClock;
  readonly watch: PurgeWatch;
  readonly stack: CacheStack;
  readonly purger: Purger;
  readonly ear: Ear = { hears: true, onNews() {}, onGap() {} };

  /** @param skewMs how far its clock is off. */
  constructor(common: Common, skewMs: number) {
    const signals = new Signals();
    this.clock = new SimulatedClock(Date.UTC(2026, 0, 1) + skewMs);
    const { clock } = this;
    const shared = common.store(this.ear);
    this.watch = new PurgeWatch({ local: createMemoryPurges(), shared, clock, signals });
    const own = createMemoryTier({ maxEntries: 10_000, maxBytes: 2 ** 28, clock });
    const disk = createMemoryTier({ maxEntries: 10_000, maxBytes: 2 ** 28, clock });
    const l3: CacheTier = {
      name: 'l3',
      get: (key) => disk.get(key),
      set: (entry) => disk.set(entry),
      delete: (key) => disk.delete(key),
      clear: () => disk.clear(),
      sweep: (purges, options) => disk.sweep(purges, options),
      stats: () => disk.stats(),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const tiers = [own, common.tier, l3];
    this.stack = new CacheStack({ tiers, clock, signals, purges: this.watch });
    this.purger = new Purger({ watch: this.watch, stack: this.stack, clock, signals });
  }
}

const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const names = fc.constantFrom('x', 'y');
const tenants = fc.constantFrom('t', 'u');
const who = fc.nat({ max: 2 });

type Act =
  | { kind: 'ask'; who: number; key: string; tenant: string; tag: string }
  | { kind: 'answer'; flight: number }
  | { kind: 'purge'; who: number; tenant: string | undefined; tag: string | undefined }
  | { kind: 'read'; who: number; key: string }
  | { kind: 'deaf'; who: number }
  | { kind: 'hear'; who: number }
  | { kind: 'pass'; ms: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('ask' as const), who, key: keys, tenant: tenants, tag: names }),
  fc.record({ kind: fc.constant('answer' as const), flight: fc.nat({ max: 50 }) }),
  fc.record({ kind: fc.constant('answer' as const), flight: fc.constant(0) }),
  fc.record({
    kind: fc.constant('purge' as const),
    who,
    tenant: fc.option(tenants, { nil: undefined }),
    tag: fc.option(names, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('read' as const), who, key: keys }),
  fc.record({ kind: fc.constant('deaf' as const), who }),
  fc.record({ kind: fc.constant('hear' as const), who }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 1000 }) }),
);

interface Flight {
  readonly who: number;
  readonly entry: CacheEntry;
  readonly tenant: string;
  readonly tag: string;
  /** Acts before it began. */
  readonly begun: number;
  /** Its gateway may not have known what the others had purged before: they take it for older than it is. */
  readonly deaf: boolean;
}

/** The world as somebody sees it who knows everything: what is stored under each key, and what was purged when. */
class Model {
  readonly all: Flight[] = [];
  readonly stored = new Map<string, Flight>();
  readonly purges: { at: number; tenant: string | undefined; tag: string | undefined }[] = [];

  isPurged({ tenant, tag, begun }: Flight): boolean {
    return this.purges.some(
      (purge) =>
        purge.at > begun &&
        (purge.tenant === undefined || purge.tenant === tenant) &&
        (purge.tag === undefined || purge.tag === tag),
    );
  }
}

async function settle(gateways: readonly Gateway[]): Promise<void> {
  for (const each of gateways) {
    await each.stack.flush();
    await each.watch.ready();
    await each.purger.idle();
  }
}

async function live(acts: readonly Act[], skews: readonly number[]): Promise<void> {
  const common = new Common(new SimulatedClock());
  const gateways = skews.map((skew) => new Gateway(common, skew));
  await settle(gateways);
  const model = new Model();
  const flights: Flight[] = [];
  for (const [at, each] of acts.entries()) {
    switch (each.kind) {
      case 'ask': {
        const { watch, clock, ear } = gateways[each.who]!;
        const { tenant, tag } = each;
        const entry: CacheEntry = {
          ...sampleEntry({ key: `${tenant} ${each.key}`, now: clock.now(), bytes: 10, seed: at }),
          tags: [`tenant:${tenant}`, `tag:${tag}`],
          epoch: watch.version(),
        };
        const flight = { who: each.who, entry, tenant, tag, begun: at, deaf: !ear.hears };
        flights.push(flight);
        model.all.push(flight);
        break;
      }
      case 'answer': {
        const [flight] = flights.splice(each.flight % Math.max(1, flights.length), 1);
        if (flight === undefined) break;
        gateways[flight.who]!.stack.store(flight.entry);
        model.stored.set(flight.entry.key, flight);
        break;
      }
      case 'purge': {
        const { tenant, tag } = each;
        const tags = tag === undefined ? undefined : [tag];
        const all = tenant === undefined && tag === undefined;
        model.purges.push({ at, tenant, tag });
        await gateways[each.who]!.purger.purge({ tenant, tags, all });
        break;
      }
      case 'deaf':
        gateways[each.who]!.ear.hears = false;
        break;
      case 'hear': {
        const { ear } = gateways[each.who]!;
        if (!ear.hears) ear.onGap();
        ear.hears = true;
        break;
      }
      case 'pass':
        for (const gateway of gateways) gateway.clock.advance(each.ms);
        break;
      case 'read':
        for (const tenant of ['t', 'u'])
          await read(gateways[each.who]!, `${tenant} ${each.key}`, model);
    }
    if (each.kind !== 'read') await settle(gateways);
  }
  // Everybody hears again: nothing that was not purged is lost, wherever it is asked for.
  for (const { ear } of gateways) if (!ear.hears) ear.onGap();
  await settle(gateways);
  for (const [key, flight] of model.stored) {
    if (model.isPurged(flight) || flight.deaf) continue;
    for (const gateway of gateways) {
      const found = await gateway.stack.find(key);
      expect(found).toBeDefined();
      // Another gateway's answer to the same question may be newer than the one that this gateway has in its memory.
      const its = model.all.find((each) => isOf(found!.entry, each))!;
      expect(its.entry.key).toBe(key);
      expect(model.isPurged(its)).toBe(false);
    }
  }
}

/** Who hears the others never serves what was purged. */
async function read(gateway: Gateway, key: string, model: Model): Promise<void> {
  const found = await gateway.stack.find(key);
  if (!gateway.ear.hears || found === undefined) return;
  const flight = model.all.find((each) => isOf(found.entry, each))!;
  expect(model.isPurged(flight)).toBe(false);
}

function isOf({ answer }: CacheEntry, flight: Flight): boolean {
  return Buffer.compare(answer.final, flight.entry.answer.final) === 0;
}

describe('several gateways, each with a clock of its own', () => {
  it('never serve what any of them has purged, and lose nothing else', async () => {
    const skew = fc.integer({ min: -100_000, max: 100_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 40 }),
        fc.tuple(skew, skew, skew),
        (acts, skews) => live(acts, skews),
      ),
      { numRuns: 150 },
    );
  }, 60_000);
});
