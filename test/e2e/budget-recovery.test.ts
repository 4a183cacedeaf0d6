import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { all, balance, charged, standings, walled, type Budget } from './budget-house.ts';
import { chat, send, temporaryFolder } from './harness.ts';

const chatPath = '/v1/chat/completions';
const ask = chat({ max_tokens: 100 });

/** Lives for `calls` calls under these budgets, and says how they stand at its beginning and its end. */
async function life(
  data: string,
  budgets: readonly Budget[],
  options: {
    readonly store?: 'memory' | 'sqlite';
    readonly calls?: number;
    readonly agent?: string;
  } = {},
) {
  const { store = 'sqlite', calls = 1, agent = 'planner' } = options;
  const house = await walled([...budgets], { config: { data, budgeting: { store } } });
  await house.gateway.assembly.walls!.whenReady();
  const before = await standings(house);
  const statuses: number[] = [];
  for (let call = 0; call < calls; call++) {
    const headers = { 'x-economizer-agent': agent, 'x-economizer-tags': 'a, b' };
    statuses.push((await send(house.url + chatPath, ask, { headers })).status);
  }
  const after = await standings(house);
  await house.gateway.stop();
  return { before, after, statuses, charged: charged(house) };
}

describe.each(['memory', 'sqlite'] as const)('what was spent, counted in %s', (store) => {
  it('is there again after a restart, in each window and for each name', async () => {
    const data = temporaryFolder();
    const budgets = [
      all(1),
      all(2, { id: 'ever', period: 'total' }),
      all(1, { id: 'planner', scope: { agent: 'planner' } }),
      all(1, { id: 'tag', scope: { tag: 'a' }, period: 'weekly', time_zone: 'Asia/Tokyo' }),
      all(1, { id: 'tenant', scope: { tenant: 'default' }, period: 'daily' }),
    ];
    const first = await life(data, budgets, { store, calls: 3 });
    expect(first.charged).toBeGreaterThan(0);
    const second = await life(data, budgets, { store, calls: 0 });
    expect(second.before.map(({ budget, spent, held }) => [budget.id, spent, held])).toEqual(
      budgets.map(({ id }) => [id, first.charged, 0]),
    );
  });

  it('stays when the limit is changed, or a budget is added', async () => {
    const data = temporaryFolder();
    const first = await life(data, [all('0.004')], { store, calls: 20 });
    expect(first.statuses).toContain(429);
    const more = [all(1), all(5, { id: 'new', period: 'weekly' })];
    const second = await life(data, more, { store });
    expect(second.statuses).toEqual([200]);
    expect(second.before.map(({ spent }) => spent)).toEqual([first.charged, first.charged]);
  });

  it('counts for each agent too', async () => {
    const data = temporaryFolder();
    const budgets = [all('0.004', { scope: { agent: '*' } })];
    const first = await life(data, budgets, { store, calls: 20 });
    expect(first.statuses).toContain(429);
    expect((await life(data, budgets, { store })).statuses).toEqual([429]);
    expect((await life(data, budgets, { store, agent: 'other' })).statuses).toEqual([200]);
  });
});

describe('a store that lost everything', () => {
  it('is filled from the ledger before anything is held', async () => {
    const data = temporaryFolder();
    const first = await life(data, [all('0.004')], { calls: 20 });
    for (const end of ['', '-wal', '-shm'])
      rmSync(join(data, `budgets.sqlite${end}`), { force: true });
    const second = await life(data, [all('0.004')], {});
    expect([second.before[0]!.spent, second.statuses]).toEqual([first.charged, [429]]);
  });
});

describe('holds of a process that is gone', () => {
  it('are settled by the ledger where it has the call, once', async () => {
    const data = temporaryFolder();
    const house = await walled([all(1)], { config: { data } });
    await send(house.url + chatPath, ask);
    const [row] = house.rows;
    const [{ account, spent }] = (await standings(house)) as [
      Awaited<ReturnType<typeof standings>>[0],
    ];
    await house.gateway.stop();
    // The process died between the row and the settlement; and another call of it was never booked.
    const dead = createSqliteBudgetStore({
      path: join(data, 'budgets.sqlite'),
      clock: systemClock,
      owner: 'dead',
    });
    const line = { account, limit: 1e9, hard: true, endsAt: undefined };
    await dead.hold({ id: `${row!.id}.1`, amount: 5_000_000, lines: [line] });
    await dead.hold({ id: 'never-booked.0', amount: 7_000_000, lines: [line] });
    const again = await walled([all(1)], { config: { data } });
    await again.gateway.assembly.walls!.whenReady();
    const found = await balance(again);
    expect(found).toEqual({ spent: spent + row!.costNanos!, held: 7_000_000 });
  });
});
