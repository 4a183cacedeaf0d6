import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EconomizerError } from '../kernel/errors.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import type { BudgetDefinition, Standpoint } from './budget.ts';
import type { BudgetStanding } from './standing.ts';
import type { BudgetStore } from './store.ts';
import { createMemoryBudgetStore } from './stores/memory.ts';
import { Walls, type Held } from './walls.ts';

const now = Date.parse('2026-11-25T12:00:00Z');
const caller: Standpoint = { tenant: 't', agent: 'a', session: 's', tags: [] };

function budget(id: string, limit: number, more: Partial<BudgetDefinition> = {}): BudgetDefinition {
  return { id, limit, period: 'daily', timeZone: 'UTC', hard: true, scope: {}, ...more };
}

/** Walls over a memory store, some of whose acts are done otherwise. */
function wallsOf(
  budgets: readonly BudgetDefinition[],
  otherwise: (store: BudgetStore) => Partial<BudgetStore> = () => ({}),
) {
  const clock = new SimulatedClock(now);
  const signals = new Signals();
  const told: string[] = [];
  signals.on('part-failed', ({ part, operation }) => told.push(`${part} ${operation}`));
  signals.on('part-healed', ({ part }) => told.push(`${part} healed`));
  const memory = createMemoryBudgetStore({ clock, owner: 'me' });
  const acts: Partial<BudgetStore> = otherwise(memory);
  const store = new Proxy(memory, {
    get: (target, name) =>
      acts[name as keyof BudgetStore] ??
      (target[name as keyof BudgetStore] as () => void)?.bind?.(target) ??
      target[name as keyof BudgetStore],
  });
  const walls = new Walls({ budgets, store, past: undefined, clock, signals });
  return { walls, clock, told, memory };
}

const hold = async (walls: Walls, id: string, amount: number) => {
  const result = await walls.hold({ id, amount, touched: walls.touched(caller, now) });
  expect(result.held).toBe(true);
  return result as Held;
};
const down = (): never => {
  throw new EconomizerError('ECO_BUDGET_STORE', 'It is down.');
};

describe('walls', () => {
  it('have leeway while each hard budget of a caller has more than a tenth left', async () => {
    const { walls } = wallsOf([
      budget('all', 1000),
      budget('mine', 100, { scope: { agent: 'a' } }),
      budget('soft', 1, { hard: false }),
    ]);
    const leeway = (agent: string, at = now) => walls.hasLeeway({ ...caller, agent }, at);
    expect(leeway('a')).toBe(true);
    const held = await hold(walls, 'x', 90);
    expect([leeway('a'), leeway('b'), leeway('a', now + 86_400_000)]).toEqual([false, true, true]);
    walls.settle(held, 89);
    expect(leeway('a')).toBe(true);
  });

  it('tell their listeners of every standing', async () => {
    const { walls } = wallsOf([budget('a', 100), budget('b', 50, { scope: { agent: '*' } })]);
    const heard: BudgetStanding[] = [];
    const end = walls.listen((standing) => heard.push(standing));
    const held = await hold(walls, 'x', 40);
    walls.settle(held, 10);
    await walls.hold({ id: 'y', amount: 60, touched: walls.touched(caller, now) });
    expect(
      heard.map(({ budget: { id }, value, spent, held: open, refused }) => [
        id,
        value,
        spent,
        open,
        refused,
      ]),
    ).toEqual([
      ['a', undefined, 0, 40, undefined],
      ['b', 'a', 0, 40, undefined],
      ['a', undefined, 10, 0, undefined],
      ['b', 'a', 10, 0, undefined],
      ['a', undefined, 10, 0, undefined],
      ['b', 'a', 10, 0, true],
    ]);
    end();
    await hold(walls, 'z', 1);
    expect(heard).toHaveLength(6);
  });

  it('say which budget is short and what it has left', async () => {
    const { walls } = wallsOf([budget('a', 100), budget('b', 50)]);
    await hold(walls, 'x', 30);
    const short = await walls.hold({
      id: 'y',
      amount: 21,
      touched: walls.touched(caller, now),
    });
    expect(short).toMatchObject({ held: false, by: { budget: { id: 'b' } }, left: 20, spent: 0 });
    expect(walls.tightest(walls.touched(caller, now))).toMatchObject({ left: 20 });
  });

  it('give a settlement to the store until it takes it', async () => {
    let isDown = true;
    const { walls, clock, told } = wallsOf([budget('a', 100)], (store) => ({
      settle: (id, charged) => (isDown ? down() : store.settle(id, charged)),
    }));
    for (const id of ['x', 'y']) walls.settle(await hold(walls, id, 30), 7);
    expect((await walls.standings())[0]).toMatchObject({ spent: 0, held: 60 });
    for (let passed = 0; passed < 10_000; passed += 100) {
      clock.advance(100);
      await Promise.resolve();
    }
    isDown = false;
    clock.advance(6000);
    await new Promise(setImmediate);
    expect((await walls.standings())[0]).toMatchObject({ spent: 14, held: 0 });
    expect(told).toEqual(['budgets settle', 'budgets healed']);
  });

  it('leave nothing held of a hold that failed, whether or not it was done', async () => {
    const { walls, clock, memory } = wallsOf([budget('a', 100)], (store) => ({
      async hold(request) {
        await store.hold(request);
        return down();
      },
    }));
    await expect(
      Promise.resolve(walls.hold({ id: 'x', amount: 30, touched: walls.touched(caller, now) })),
    ).rejects.toMatchObject({ code: 'ECO_BUDGET_STORE' });
    clock.advance(200);
    await new Promise(setImmediate);
    expect(await memory.openHolds()).toEqual([]);
    expect((await walls.standings())[0]).toMatchObject({ spent: 0, held: 0 });
  });

  it('let calls of soft budgets pass without their store', async () => {
    const { walls } = wallsOf([budget('a', 1, { hard: false })], () => ({ hold: down }));
    expect((await hold(walls, 'x', 30)).amount).toBe(0);
  });

  it('refuse calls as long as it is not known what was spent', async () => {
    const clock = new SimulatedClock();
    let fails = true;
    const past = {
      spend: async () => (fails ? down() : [{ values: [], chargedNanos: 70 }]),
      charges: async () => new Map<string, number>(),
    };
    const store = createMemoryBudgetStore({ clock, owner: 'me' });
    const walls = new Walls({
      budgets: [budget('a', 100)],
      store,
      past,
      clock,
      signals: new Signals(),
    });
    await expect(walls.whenReady()).rejects.toMatchObject({ code: 'ECO_BUDGET_STORE' });
    fails = false;
    await walls.whenReady();
    expect(walls.whenReady()).toBeUndefined();
    expect((await walls.standings())[0]).toMatchObject({ spent: 70 });
  });

  it('renew their lease, and tell of calls of others that are gone', async () => {
    const beats: number[] = [];
    const { clock } = wallsOf([budget('a', 1)], () => ({ heartbeat: () => beats.push(1) - 1 }));
    for (let passed = 0; passed < 30_000; passed += 1000) {
      clock.advance(1000);
      await new Promise(setImmediate);
    }
    expect(beats.length).toBeGreaterThanOrEqual(9);
  });

  it('keep each tenant’s budgets to itself, whatever callers name themselves', () => {
    const scopes = fc.record({
      tenant: fc.constantFrom(undefined, '*' as const),
      agent: fc.constantFrom(undefined, '*' as const),
      session: fc.constantFrom('*' as const),
      tag: fc.constantFrom(undefined, '*' as const),
    });
    const name = fc.oneof(
      fc.constantFrom('a', 'b', 'a/b', 'a@2026-11-25', '', '~'),
      fc.string({ unit: 'binary' }),
    );
    const standpoint = (tenant: string) =>
      fc.record({
        tenant: fc.constant(tenant),
        agent: name,
        session: name,
        tags: fc.array(name, { maxLength: 3 }),
      });
    fc.assert(
      fc.property(scopes, standpoint('one'), standpoint('two'), (scope, one, two) => {
        const { walls } = wallsOf([budget('x', 1, { scope })]);
        const accounts = new Set(walls.touched(one, now).map(({ account }) => account));
        for (const { account } of walls.touched(two, now)) expect(accounts).not.toContain(account);
      }),
    );
  });

  it('give calls without a session one account a day', () => {
    const { walls, clock } = wallsOf([budget('s', 1, { period: 'session' })]);
    const nameless = { ...caller, session: undefined };
    const today = walls.touched(nameless, now)[0]!;
    expect(today.window.name).toBe('2026-11-25');
    const session = walls.touched(caller, now)[0]!;
    expect([session.window.name, session.window.endsAt]).toEqual(['session', undefined]);
    expect(session.endsAt).toBeGreaterThan(clock.now() + 29 * 86_400_000);
    clock.advance(86_400_000);
    expect(walls.touched(nameless, clock.now())[0]!.account).not.toBe(today.account);
    expect(walls.touched(caller, clock.now())[0]!.account).toBe(session.account);
  });
});
