import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRedisBudgetStore, type RedisBudgetStore } from '../../src/budget/stores/redis.ts';
import { withLocalShare } from '../../src/budget/stores/local-share.ts';
import type { BudgetStore, HoldRequest } from '../../src/budget/store.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { connectRedis } from '../../src/services/redis-client.ts';
import type { RedisLink } from '../../src/services/redis.ts';
import { hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import { until } from '../until.ts';

const limit = 1000;
const lines = [{ account: 'a', limit, hard: true, endsAt: undefined }];
const ask = (id: string, amount: number): HoldRequest => ({ id, amount, lines });

describe.skipIf(!hasRedis)('budgets in a Redis that fails', { timeout: 30_000 }, () => {
  let server: RedisServer;
  let links: RedisLink[] = [];
  const start = async (settings: readonly string[] = []) => {
    server = await startRedis(settings);
  };
  beforeEach(() => {
    links = [];
  });
  afterEach(async () => {
    for (const link of links) await link.close();
    await server.stop();
  });

  async function gateway(
    owner: string,
    more: { settleMs?: number; ledger?: string; leaseMs?: number } = {},
  ): Promise<RedisBudgetStore> {
    const link = connectRedis({ url: server.url });
    links.push(link);
    await until(() => link.connected);
    const store = createRedisBudgetStore({
      clock: systemClock,
      signals: new Signals(),
      link,
      owner,
      ledger: 'one',
      settleMs: 200,
      deadlineMs: 400,
      coolDownMs: 100,
      ...more,
    });
    await store.whenOpen(5000);
    return store;
  }

  /** As the walls do: a heartbeat now and then, whatever comes of it. */
  async function untilOpen(store: BudgetStore): Promise<void> {
    await until(async () => {
      const beaten = await Promise.resolve(store.heartbeat()).catch(() => undefined);
      if (beaten === undefined) return false;
      const probe = ask(`probe ${Math.random()}`, 0);
      return Promise.resolve(store.hold(probe)).then(
        async () => (await store.settle(probe.id, 0)).state === 'settled',
        () => false,
      );
    });
  }

  it('refuses in time when it is killed, and at once after some failures', async () => {
    await start();
    const store = await gateway('one');
    const acts = Array.from({ length: 200 }, (_, index) => store.hold(ask(`h${index}`, 1)));
    const killed = server.kill();
    const began = performance.now();
    const outcomes = await Promise.allSettled(acts);
    expect(performance.now() - began).toBeLessThan(3000);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ code: 'ECO_BUDGET_STORE', kind: 'service' });
    }
    await killed;
    for (let index = 0; index < 6; index++) await refused(store.hold(ask(`x${index}`, 1)));
    const later = performance.now();
    for (let index = 0; index < 50; index++) await refused(store.hold(ask(`y${index}`, 1)));
    expect(performance.now() - later).toBeLessThan(400);
  });

  it('undoes a hold whose answer came too late, and settles what it could not', async () => {
    await start();
    const store = await gateway('one');
    await store.hold(ask('before', 100));
    server.pause();
    await Promise.all([refused(store.hold(ask('late', 300))), refused(store.settle('before', 40))]);
    server.resume();
    await untilOpen(store);
    await until(async () => (await store.openHolds()).length === 0);
    expect(await store.read(['a'])).toEqual([{ account: 'a', spent: 40, held: 0 }]);
    expect((await store.hold(ask('late', 300))).held).toBe(true);
    expect((await store.settle('before', 40)).state).toBe('already');
  });

  it('opens no wall when it comes back empty', async () => {
    await start();
    const stores = [await gateway('one', { ledger: 'l1' }), await gateway('two', { ledger: 'l2' })];
    const spentBy = [0, 0];
    for (const [index, store] of stores.entries()) {
      store.onForgotten(() => store.restore('a', spentBy[index]!, undefined));
    }
    for (let call = 0; call < 8; call++) {
      await stores[call % 2]!.hold(ask(`c${call}`, 100));
      if (call >= 6) continue;
      await stores[call % 2]!.settle(`c${call}`, 90);
      spentBy[call % 2]! += 90;
    }
    await server.kill();
    await refused(stores[0]!.settle('c6', 70));
    spentBy[0]! += 70;
    await server.restart();
    await until(() => links.every((link) => link.connected));
    // The first who comes must not find a full budget.
    const early = await stores[0]!.hold(ask('early', 500)).catch((error: unknown) => error);
    expect(early).toMatchObject({ code: 'ECO_BUDGET_STORE' });
    await Promise.all(stores.map((store) => untilOpen(store)));
    const [balance] = await stores[1]!.read(['a']);
    expect(balance).toEqual({ account: 'a', spent: 6 * 90 + 70, held: 100 });
    expect((await stores[0]!.hold(ask('late', limit - 710 + 1))).held).toBe(false);
    expect((await stores[1]!.settle('c7', 90)).state).toBe('settled');
    expect((await stores[0]!.hold(ask('rest', limit - 700))).held).toBe(true);
  });

  it('notices that all data was deleted under it', async () => {
    await start();
    const store = await gateway('one');
    store.onForgotten(() => store.restore('a', 300, undefined));
    await store.hold(ask('spent', 300));
    await store.settle('spent', 300);
    await store.hold(ask('open', 200));
    await links[0]!.send(['FLUSHALL'], 1000);
    await refused(store.hold(ask('early', 1)));
    await untilOpen(store);
    expect(await store.read(['a'])).toEqual([{ account: 'a', spent: 300, held: 200 }]);
  });

  it('counts nothing twice when it comes back with all its data', async () => {
    await start(['--appendonly', 'yes', '--appendfsync', 'always']);
    const store = await gateway('one');
    let booked = 0;
    store.onForgotten(() => store.restore('a', booked, undefined));
    await store.hold(ask('1', 300));
    await store.settle('1', 250);
    await store.hold(ask('2', 200));
    await store.hold(ask('3', 100));
    await server.kill();
    await refused(store.settle('2', 150));
    booked = 250 + 150;
    await server.restart();
    await untilOpen(store);
    expect(await store.read(['a'])).toEqual([{ account: 'a', spent: 400, held: 100 }]);
  });

  it('puts right what an old data set does not have', async () => {
    await start(['--dbfilename', 'dump.rdb']);
    const store = await gateway('one');
    let booked = 0;
    store.onForgotten(() => store.restore('a', booked, undefined));
    await store.hold(ask('old', 100));
    await store.hold(ask('settled', 100));
    await links[0]!.send(['SAVE'], 1000);
    await store.settle('settled', 80);
    booked = 80;
    await store.hold(ask('new', 300));
    await server.kill();
    await server.restart();
    await untilOpen(store);
    const held = (await store.openHolds()).map(({ id }) => id).sort();
    expect(held).toEqual(['new', 'old']);
    expect(await store.read(['a'])).toEqual([{ account: 'a', spent: 80, held: 400 }]);
  });

  it('is not fooled by an old data set where nobody asked it while it was gone', async () => {
    await start(['--dbfilename', 'dump.rdb']);
    const store = await gateway('one');
    store.onForgotten(() => store.restore('a', 900, undefined));
    await links[0]!.send(['SAVE'], 1000);
    await store.hold(ask('1', 900));
    await store.settle('1', 900);
    await server.kill();
    await server.restart();
    await until(() => links[0]!.connected);
    await refused(store.hold(ask('early', 500)));
    await untilOpen(store);
    expect((await store.hold(ask('late', 101))).held).toBe(false);
  });

  it('waits for others before it holds in an empty one', async () => {
    await start();
    const settleMs = 1500;
    const one = await gateway('one', { ledger: 'l1', settleMs });
    const two = await gateway('two', { ledger: 'l2', settleMs });
    let restored = 0;
    one.onForgotten(async () => {
      await one.restore('a', 100, undefined);
      restored++;
    });
    two.onForgotten(() => two.restore('a', 800, undefined));
    await links[0]!.send(['FLUSHALL'], 1000);
    await refused(one.hold(ask('early', 1)));
    await until(() => restored === 1);
    await delay(100);
    // This one has said all that it knows; the other has not yet.
    await refused(one.hold(ask('still early', 500)));
    await two.heartbeat();
    await untilOpen(one);
    expect((await one.hold(ask('late', 101))).held).toBe(false);
    expect((await one.hold(ask('fits', 100))).held).toBe(true);
  });

  it('lets processes spend their shares while it is gone, and never more than the limit', async () => {
    await start();
    const stores: BudgetStore[] = [];
    for (const owner of ['one', 'two', 'three']) {
      const inner = await gateway(owner, { ledger: owner });
      const options = { clock: systemClock, signals: new Signals(), owner, share: 0.25 };
      stores.push(withLocalShare(inner, options));
    }
    let charged = 0;
    for (const [index, store] of stores.entries()) {
      await store.hold(ask(`first ${index}`, 100));
      await store.settle(`first ${index}`, 100);
      charged += 100;
      await store.heartbeat();
    }
    await server.kill();
    const locally: string[] = [];
    for (let call = 0; call < 300; call++) {
      const verdict = await Promise.resolve(stores[call % 3]!.hold(ask(`l${call}`, 7))).catch(
        () => undefined,
      );
      if (verdict?.held !== true) continue;
      locally.push(`l${call}`);
      await stores[call % 3]!.settle(`l${call}`, 7);
      charged += 7;
    }
    expect(locally.length).toBeGreaterThan(30);
    expect(charged).toBeLessThanOrEqual(limit);
    await server.restart();
    await Promise.all(stores.map((store) => untilOpen(store)));
    for (const store of stores) await store.heartbeat();
    const [balance] = await stores[0]!.read(['a']);
    // Redis came back empty and these gateways keep no ledger: what they spent locally is still known.
    expect(balance!.spent).toBe(charged - 300);
    for (const store of stores) await store.close();
  });
});

async function refused(act: Promise<unknown>): Promise<void> {
  await expect(act).rejects.toMatchObject({ code: 'ECO_BUDGET_STORE' });
}
