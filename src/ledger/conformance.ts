import { chargeCases } from './conformance-charges.ts';
import { same, total } from './conformance-compare.ts';
import { sampleReuse, sampleRow } from './sample-row.ts';
import type { LedgerStore } from './store.ts';

/** One thing that every ledger store must do. `run` rejects with what is wrong. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** What every ledger store must do. `create` makes an empty one for each case. */
export function ledgerStoreConformance(options: {
  readonly create: () => Promise<LedgerStore>;
}): readonly ConformanceCase[] {
  return Object.entries({ ...cases, ...chargeCases }).map(([name, check]) => ({
    name,
    async run() {
      const store = await options.create();
      try {
        await check(store);
      } finally {
        await store.close();
      }
    },
  }));
}

const hour = 3_600_000;
const noon = Date.UTC(2026, 0, 1, 12);

const cases: Record<string, (store: LedgerStore) => Promise<void>> = {
  async 'gives rows back as they were, the newest first'(store) {
    const bare = sampleRow({
      id: 'row-3',
      at: noon + 2,
      team: undefined,
      key: undefined,
      agent: undefined,
      session: undefined,
      tags: [],
      dialect: undefined,
      modelAsked: undefined,
      modelServed: undefined,
      serviceTier: undefined,
      status: undefined,
      outcome: 'refused',
      errorCode: 'ECO_STOPPING',
      source: 'none',
      streamed: false,
      usage: undefined,
      usageSource: undefined,
      costNanos: undefined,
      withoutUsage: undefined,
      withoutCostNanos: undefined,
      withoutMs: undefined,
      savedNanos: undefined,
      firstByteMs: undefined,
    });
    const rows = [sampleRow(), sampleReuse({ at: noon + 1 }), bare];
    await store.append(rows);
    same(await store.recent(10), rows.toReversed());
    same(await store.recent(1), [bare]);
  },

  async 'keeps a row once, however often it is appended'(store) {
    await store.append([sampleRow(), sampleRow()]);
    await store.append([sampleRow({ costNanos: 5 })]);
    same((await store.recent(10)).length, 1);
    same(total(await store.report({ by: 'model' })), { calls: 1, costNanos: 1000 });
  },

  async 'keeps measured and estimated savings apart'(store) {
    await store.append([
      sampleRow(),
      sampleReuse(),
      sampleReuse({ id: 'row-3', savedBasis: 'estimated', savedNanos: 300, savedBy: 'coalescing' }),
    ]);
    const [line] = await store.report({ by: 'provider' });
    same(line, {
      group: 'openai',
      calls: 3,
      reused: 2,
      costNanos: 1000,
      unpriced: 0,
      withoutCostNanos: 3000,
      withoutUnknown: 0,
      savedMeasuredNanos: 1000,
      savedEstimatedNanos: 300,
      savedMs: 1622,
      lostNanos: 0,
      chargedNanos: 1000,
      tokens: { fresh: 100, cacheRead: 50, cacheWrite: 10, output: 20 },
    });
    const groups = (await store.report({ by: 'mechanism' })).map((each) => each.group);
    same(groups.toSorted(), ['', 'coalescing', 'exact-cache']);
  },

  async 'sums what broken prefixes cost, by what broke them'(store) {
    const lost = { lostCause: 'ttl-gone', lostTokens: 1000, lostNanos: 40 };
    const other = { id: 'row-3', lostCause: 'tools-reordered', lostTokens: 7, lostNanos: 70 };
    await store.append([sampleRow(lost), sampleRow({ id: 'row-2' }), sampleRow(other)]);
    same((await store.recent(1))[0]?.lostNanos, 70);
    const lines = await store.report({ by: 'cause' });
    same(
      lines.map(({ group, calls, lostNanos }) => [group, calls, lostNanos]),
      [
        ['tools-reordered', 1, 70],
        ['ttl-gone', 1, 40],
        ['', 1, 0],
      ],
    );
    same((await store.report({ by: 'provider' }))[0]?.lostNanos, 110);
  },

  async 'counts calls of unknown cost instead of taking them for free'(store) {
    await store.append([
      sampleRow({ costNanos: undefined, withoutCostNanos: undefined, savedNanos: undefined }),
      sampleRow({
        id: 'row-2',
        modelServed: undefined,
        modelAsked: 'mystery',
        costNanos: undefined,
      }),
    ]);
    const lines = await store.report({ by: 'model' });
    same(
      lines.map(({ group, unpriced, withoutUnknown }) => [group, unpriced, withoutUnknown]),
      [
        ['mystery', 1, 0],
        ['gpt-5-2025-08-07', 1, 1],
      ],
    );
  },

  async 'groups by each thing that it knows'(store) {
    await store.append([
      sampleRow(),
      sampleRow({
        id: 'row-2',
        at: noon + 24 * hour,
        agent: undefined,
        session: undefined,
        tenant: 'b',
      }),
    ]);
    const groupsBy = async (by: Parameters<LedgerStore['report']>[0]['by']): Promise<string[]> =>
      (await store.report({ by })).map(({ group }) => group).toSorted();
    same(await groupsBy('day'), ['2026-01-01', '2026-01-02']);
    same(await groupsBy('agent'), ['', 'planner']);
    same(await groupsBy('session'), ['', 'session-1']);
    same(await groupsBy('tenant'), ['b', 'default']);
    same(await groupsBy('outcome'), ['ok']);
    same(await groupsBy('team'), ['research']);
    same(await groupsBy('key'), ['nightly-runs']);
  },

  async 'heeds the ends of the time asked for, to the millisecond'(store) {
    const times = [0, 1, hour - 1, hour, hour + 1, 5 * hour - 1, 5 * hour, 5 * hour + 1];
    await store.append(times.map((time) => sampleRow({ id: `row-${time}`, at: noon + time })));
    for (const from of times) {
      for (const to of times) {
        const query = { from: noon + from, to: noon + to };
        const expected = times.filter((time) => time >= from && time < to).length;
        same(total(await store.report({ by: 'model', ...query })).calls, expected);
        same(total(await store.report({ by: 'session', ...query })).calls, expected);
      }
    }
  },

  async 'shows one tenant only its own'(store) {
    await store.append([sampleRow(), sampleRow({ id: 'row-2', tenant: 'b', costNanos: 7 })]);
    same(total(await store.report({ by: 'model', tenant: 'b' })), { calls: 1, costNanos: 7 });
    same(total(await store.report({ by: 'session', tenant: 'b' })), { calls: 1, costNanos: 7 });
    same(await store.report({ by: 'model', tenant: 'c' }), []);
  },
};
