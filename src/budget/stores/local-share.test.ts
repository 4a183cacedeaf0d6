import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EconomizerError } from '../../kernel/errors.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import type { AccountLine, BudgetStore } from '../store.ts';
import { withLocalShare } from './local-share.ts';
import { createMemoryBudgetStore, MemoryBacking } from './memory.ts';

const leaseMs = 30_000;

/** Gateways over one place to count, each of which can lose it by itself. */
class Installation {
  readonly clock = new SimulatedClock();
  readonly heard: string[] = [];
  readonly #backing = new MemoryBacking();
  readonly #lost = new Set<string>();

  gateway(owner: string, share = 0.25): BudgetStore {
    const { clock } = this;
    const store = createMemoryBudgetStore({ clock, owner, leaseMs, backing: this.#backing });
    const fragile = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (this.#lost.has(owner)) throw new EconomizerError('ECO_BUDGET_STORE', 'It is gone.');
          return value.apply(target, args) as unknown;
        };
      },
    });
    const signals = new Signals();
    signals.on('part-failed', ({ operation }) => this.heard.push(`failed ${operation}`));
    signals.on('part-healed', () => this.heard.push('healed'));
    return withLocalShare(fragile, { clock, signals, owner, share });
  }

  lose(owner: string): void {
    this.#lost.add(owner);
  }

  find(owner: string): void {
    this.#lost.delete(owner);
  }
}

const line = (account: string, limit: number, hard = true): AccountLine => {
  return { account, limit, hard, endsAt: undefined };
};

async function spend(store: BudgetStore, id: string, amount: number, lines: AccountLine[]) {
  const verdict = await Promise.resolve(store.hold({ id, amount, lines })).catch(() => undefined);
  if (verdict?.held !== true) return false;
  await store.settle(id, amount);
  return true;
}

describe('a local share', () => {
  it('is set aside while the store is there, and spent while it is gone', async () => {
    const installation = new Installation();
    const store = installation.gateway('one');
    const lines = [line('a', 1000), line('soft', 1, false)];
    await spend(store, 'first', 200, lines);
    await store.heartbeat();
    expect(await store.read(['a'])).toEqual([{ account: 'a', spent: 200, held: 200 }]);
    installation.lose('one');
    expect(await spend(store, 'l1', 120, lines)).toBe(true);
    const verdict = await store.hold({ id: 'l2', amount: 100, atLeast: 50, lines });
    expect(verdict).toMatchObject({ held: true, amount: 80 });
    expect(await store.hold({ id: 'l2', amount: 100, lines })).toMatchObject({ amount: 80 });
    expect(await spend(store, 'l3', 1, lines)).toBe(false);
    expect(await store.settle('l2', 30)).toMatchObject({ state: 'settled' });
    expect(await store.settle('l2', 30)).toMatchObject({ state: 'already' });
    expect(await spend(store, 'l4', 50, lines)).toBe(true);
    await expect(store.heartbeat()).rejects.toMatchObject({ code: 'ECO_BUDGET_STORE' });
    installation.find('one');
    await store.heartbeat();
    const [a, soft] = await store.read(['a', 'soft']);
    expect(a).toEqual({ account: 'a', spent: 400, held: 150 });
    expect(soft).toEqual({ account: 'soft', spent: 400, held: 0 });
    expect(installation.heard).toEqual(['failed hold', 'healed']);
    await store.close();
  });

  it('refuses where a hard account has none, and holds then on no other', async () => {
    const installation = new Installation();
    const store = installation.gateway('one');
    await spend(store, 'first', 10, [line('a', 1000)]);
    await store.heartbeat();
    installation.lose('one');
    const both = [line('a', 1000), line('never seen', 1000)];
    expect(await spend(store, 'l1', 10, both)).toBe(false);
    // All of what was set aside is still there.
    expect(await spend(store, 'l2', 247, [line('a', 1000)])).toBe(true);
  });

  it('is given up for a call that needs it while the store is there', async () => {
    const installation = new Installation();
    const store = installation.gateway('one');
    const lines = [line('a', 1000)];
    await spend(store, 'first', 200, lines);
    await store.heartbeat();
    expect(await spend(store, 'large', 800, lines)).toBe(true);
    await store.heartbeat();
    expect(await store.read(['a'])).toEqual([{ account: 'a', spent: 1000, held: 0 }]);
  });

  it('is put right after others took its process for lost', async () => {
    const installation = new Installation();
    const [one, two] = [installation.gateway('one'), installation.gateway('two')];
    const lines = [line('a', 1000)];
    await spend(one, 'first', 200, lines);
    await one.heartbeat();
    installation.lose('one');
    await spend(one, 'l1', 70, lines);
    installation.clock.advance(leaseMs + 1);
    expect(await two.heartbeat()).toBe(1);
    expect(await two.read(['a'])).toEqual([{ account: 'a', spent: 400, held: 0 }]);
    // What was charged in full is still this process's to spend.
    expect(await spend(one, 'l2', 130, lines)).toBe(true);
    installation.find('one');
    await one.heartbeat();
    const [balance] = await two.read(['a']);
    expect(balance!.spent).toBe(400);
    await one.close();
    expect(await two.read(['a'])).toEqual([{ account: 'a', spent: 400, held: 0 }]);
  });

  it('never lets all together pass a limit, whoever loses the store and when', async () => {
    const owners = ['one', 'two', 'three'];
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ spend: fc.nat(2), amount: fc.integer({ min: 1, max: 90 }) }),
      },
      { weight: 2, arbitrary: fc.record({ beat: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ lose: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ find: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ pass: fc.nat(2 * leaseMs) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const installation = new Installation();
        const stores = owners.map((owner) => installation.gateway(owner, 0.4));
        const lines = [line('a', 1000), line('b', 700)];
        let spent = 0;
        for (const [index, each] of steps.entries()) {
          if ('spend' in each) {
            const done = await spend(stores[each.spend]!, `c${index}`, each.amount, lines);
            spent += done ? each.amount : 0;
          } else if ('beat' in each) {
            await Promise.resolve(stores[each.beat]!.heartbeat()).catch(() => {});
          } else if ('lose' in each) installation.lose(owners[each.lose]!);
          else if ('find' in each) installation.find(owners[each.find]!);
          else installation.clock.advance(each.pass);
          expect(spent).toBeLessThanOrEqual(700);
        }
        for (const owner of owners) installation.find(owner);
        for (const store of stores) await store.heartbeat();
        for (const store of stores) await store.close();
        const auditor = installation.gateway('auditor');
        const expected = ['a', 'b'].map((account) => ({ account, spent, held: 0 }));
        expect(await auditor.read(['a', 'b'])).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});
