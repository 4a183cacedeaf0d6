import { same, total } from './conformance-compare.ts';
import { sampleRow } from './sample-row.ts';
import type { LedgerStore, SpendQuery } from './store.ts';

const hour = 3_600_000;
const noon = Date.UTC(2026, 0, 1, 12);

/** What every ledger store must do about whose calls cost what. */
export const chargeCases: Record<string, (store: LedgerStore) => Promise<void>> = {
  async 'sums what was charged: the cost where nothing else is said'(store) {
    await store.append([
      sampleRow({ team: undefined, key: undefined }),
      sampleRow({ id: 'row-2', chargedNanos: 9000 }),
      sampleRow({ id: 'row-3', costNanos: undefined, chargedNanos: 400 }),
      sampleRow({ id: 'row-4', costNanos: undefined }),
    ]);
    for (const by of ['team', 'key', 'session'] as const) {
      const lines = await store.report({ by });
      same(
        lines.reduce((sum, { chargedNanos }) => sum + chargedNanos, 0),
        10_400,
      );
    }
    const byKey = await store.report({ by: 'key' });
    same(
      byKey.map(({ group, calls, chargedNanos }) => [group, calls, chargedNanos]),
      [
        ['nightly-runs', 3, 9400],
        ['', 1, 1000],
      ],
    );
  },

  async 'tells what was charged to each scope and each value in it'(store) {
    const rows = [
      sampleRow({ id: 'a', tags: ['x', 'y', 'x'] }),
      sampleRow({ id: 'b', at: noon + hour, agent: 'other', tags: ['x'], chargedNanos: 50 }),
      sampleRow({ id: 'c', at: noon + 2 * hour, tenant: 'b', team: undefined, session: undefined }),
      sampleRow({ id: 'd', at: noon + 3 * hour, key: 'k2', costNanos: undefined, tags: [] }),
    ];
    await store.append(rows);
    const sums = async (query: SpendQuery): Promise<string> =>
      (await store.spend(query))
        .map(({ values, chargedNanos }) => `${values.join('/')}:${chargedNanos}`)
        .join(' ');
    same(await sums({ scope: {} }), ':2050');
    same(await sums({ scope: { tenant: 'b' } }), ':1000');
    same(await sums({ scope: { tenant: 'nobody' } }), '');
    same(await sums({ scope: {}, per: ['tenant'] }), 'b:1000 default:1050');
    same(await sums({ scope: {}, per: ['team'] }), ':1000 research:1050');
    same(await sums({ scope: { team: 'research' }, per: ['key'] }), 'k2:0 nightly-runs:1050');
    same(await sums({ scope: { key: 'nightly-runs' }, per: ['agent'] }), 'other:50 planner:2000');
    same(await sums({ scope: {}, per: ['session'] }), ':1000 session-1:1050');
    same(await sums({ scope: { session: 'session-1', agent: 'planner' } }), ':1000');
    same(await sums({ scope: { tenant: 'default' }, per: ['tag'] }), ':0 x:1050 y:1000');
    same(
      await sums({ scope: {}, per: ['tenant', 'agent', 'session'] }),
      'b/planner/:1000 default/other/session-1:50 default/planner/session-1:1000',
    );
    same(await sums({ scope: { tag: 'x' } }), ':1050');
    same(await sums({ scope: { tag: "x' OR 1=1 --" } }), '');
    for (const scope of [{}, { tag: 'x' }]) {
      same(await sums({ scope, from: noon + 1, to: noon + hour + 1 }), ':50');
    }
  },

  async 'tells what single calls were charged'(store) {
    await store.append([
      sampleRow(),
      sampleRow({ id: 'row-2', chargedNanos: 9000 }),
      sampleRow({ id: 'row-3', costNanos: undefined }),
    ]);
    const charges = await store.charges(['row-1', 'row-2', 'row-3', 'row-4']);
    same(
      [...charges],
      [
        ['row-1', 1000],
        ['row-2', 9000],
      ],
    );
    same((await store.charges([])).size, 0);
  },

  async 'shows one key and one team only their own'(store) {
    await store.append([
      sampleRow(),
      sampleRow({ id: 'row-2', key: 'k2', costNanos: 7 }),
      sampleRow({ id: 'row-3', team: 'red', tenant: 'b', key: 'k2', costNanos: 9 }),
    ]);
    for (const by of ['model', 'session'] as const) {
      same(total(await store.report({ by, key: 'k2' })), { calls: 2, costNanos: 16 });
      same(total(await store.report({ by, key: 'k2', tenant: 'b' })), { calls: 1, costNanos: 9 });
      same(total(await store.report({ by, team: 'red' })), { calls: 1, costNanos: 9 });
    }
  },
};
