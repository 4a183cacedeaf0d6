import assert from 'node:assert/strict';
import { balanceOf, held, line, type BudgetTrial } from './conformance-trial.ts';

/** What stores must do that share one place to count. */
export const sharingCases: Readonly<Record<string, (trial: BudgetTrial) => Promise<void>>> = {
  async 'counts together with others, and settles their holds'({ store, open }) {
    const other = await open('second');
    const lines = [line('a', 100)];
    await store.hold({ id: '1', amount: 60, lines });
    assert.equal(await held(other, { id: '2', amount: 60, lines }), undefined);
    assert.equal(await held(other, { id: '1', amount: 60, lines }), 60);
    assert.equal((await other.settle('1', 10)).state, 'settled');
    assert.equal((await store.settle('1', 10)).state, 'already');
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 10, held: 0 });
  },

  async 'lists the holds of all owners'({ store, open }) {
    const other = await open('second');
    await store.hold({ id: '1', amount: 7, lines: [line('a', 100), line('b', 100)] });
    await other.hold({ id: '2', amount: 8, lines: [line('b', 100)] });
    await other.hold({ id: '3', amount: 9, lines: [line('b', 100)] });
    await store.settle('3', 9);
    const found = [...(await store.openHolds())].sort((one, two) => (one.id < two.id ? -1 : 1));
    assert.deepEqual(found, [
      { id: '1', amount: 7, accounts: ['a', 'b'], owner: 'first', state: 'held' },
      { id: '2', amount: 8, accounts: ['b'], owner: 'second', state: 'held' },
    ]);
  },

  async 'charges the holds of an owner whose lease is over, once'({ store, open, leaseMs, pass }) {
    const lost = await open('lost');
    const lines = [line('a', 100), line('soft', 1, { hard: false })];
    await lost.hold({ id: '1', amount: 30, lines });
    await lost.hold({ id: '2', amount: 20, lines });
    await store.hold({ id: '3', amount: 10, lines });
    for (let step = 0; step < 4; step++) {
      await pass(leaseMs / 2 + 1);
      if (step === 0) assert.equal(await store.heartbeat(), 0);
      if (step === 1) assert.equal(await store.heartbeat(), 2);
      if (step > 1) assert.equal(await store.heartbeat(), 0);
    }
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 50, held: 10 });
    assert.deepEqual(await balanceOf(store, 'soft'), { spent: 50, held: 10 });
    const states = (await store.openHolds()).map(
      ({ id, owner, state }) => `${id} ${owner} ${state}`,
    );
    assert.deepEqual(states.sort(), ['1 lost charged', '2 lost charged', '3 first held']);
    assert.equal(await held(store, { id: '4', amount: 41, lines }), undefined);
    assert.equal(await held(store, { id: '1', amount: 30, lines }), 30);
  },

  async 'puts right what was charged when somebody settles it after all'(trial) {
    const { store, open, leaseMs, pass } = trial;
    const lost = await open('lost');
    const lines = [line('a', 100), line('b', 100)];
    await lost.hold({ id: '1', amount: 30, lines });
    await lost.hold({ id: '2', amount: 20, lines });
    await lost.hold({ id: '3', amount: 5, lines });
    await pass(leaseMs + 1);
    assert.equal(await store.heartbeat(), 3);
    assert.deepEqual((await store.settle('1', 12)).balances, [
      { account: 'a', spent: 37, held: 0 },
      { account: 'b', spent: 37, held: 0 },
    ]);
    assert.equal((await lost.settle('2', 0)).state, 'settled');
    await store.settle('3', 6);
    assert.equal((await store.settle('1', 12)).state, 'already');
    assert.deepEqual(await balanceOf(store, 'b'), { spent: 18, held: 0 });
    assert.deepEqual(await store.openHolds(), []);
  },

  async 'lets an owner go on that was taken for lost'({ store, open, leaseMs, pass }) {
    const lost = await open('lost');
    const lines = [line('a', 100)];
    await lost.hold({ id: '1', amount: 30, lines });
    await pass(leaseMs + 1);
    await store.heartbeat();
    assert.equal(await held(lost, { id: '2', amount: 20, lines }), 20);
    assert.equal(await store.heartbeat(), 0);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 30, held: 20 });
    await pass(leaseMs + 1);
    assert.equal(await store.heartbeat(), 1);
    await lost.settle('2', 1);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 31, held: 0 });
  },

  async 'keeps the holds of an owner whose heart beats'({ store, open, leaseMs, pass }) {
    const other = await open('second');
    const lines = [line('a', 100)];
    await other.hold({ id: '1', amount: 30, lines });
    for (let beat = 0; beat < 5; beat++) {
      await pass(leaseMs / 2);
      assert.equal(await other.heartbeat(), 0);
      assert.equal(await store.heartbeat(), 0);
    }
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 0, held: 30 });
  },

  async 'charges what a store held that was closed'({ store, open }) {
    const other = await open('second');
    await other.hold({ id: '1', amount: 30, lines: [line('a', 100)] });
    await other.close();
    assert.equal(await store.heartbeat(), 1);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 30, held: 0 });
  },

  async 'lets a name be claimed once, until it is forgotten'({ store, open, now, pass }) {
    const other = await open('second');
    const until = now() + 60;
    assert.equal(await store.claim('80 %', until), true);
    assert.equal(await other.claim('80 %', until), false);
    assert.equal(await store.claim('80 %', until), false);
    assert.equal(await other.claim('90 %', until), true);
    await store.heartbeat();
    await pass(80);
    assert.equal(await other.claim('80 %', now() + 60_000), true);
    assert.equal(await store.claim('80 %', now() + 60_000), false);
  },

  async 'shows flags to all'({ store, open }) {
    const other = await open('second');
    assert.equal((await store.flags()).size, 0);
    await store.setFlag('emergency', 'on since "noon"\n€');
    await other.setFlag('ladder', '');
    const expected = [['emergency', 'on since "noon"\n€'] as const, ['ladder', ''] as const];
    assert.deepEqual(new Map(await other.flags()), new Map(expected));
    await other.setFlag('emergency', 'off');
    assert.equal((await store.flags()).get('emergency'), 'off');
    await store.setFlag('emergency', undefined);
    await store.setFlag('never', undefined);
    assert.deepEqual([...(await other.flags()).keys()], ['ladder']);
  },

  async 'never passes a limit, however many ask at once'({ store, open }) {
    const stores = [store];
    for (let index = 1; index < 8; index++) stores.push(await open(`store ${index}`));
    const lines = [line('org', 1000), line('team', 700), line('all', 1, { hard: false })];
    const asked = Array.from({ length: 400 }, async (_, index) => {
      const asker = stores[index % stores.length]!;
      const id = `h${index}`;
      const verdict = await asker.hold({ id, amount: 7, lines });
      for (const { account, spent, held: open_ } of verdict.balances) {
        if (account === 'team') assert.ok(spent + open_ <= 700, `${spent} + ${open_}`);
      }
      if (!verdict.held) return 0;
      const settler = stores[(index + 3) % stores.length]!;
      await Promise.all([settler.settle(id, 5), asker.settle(id, 5)]);
      return 1;
    });
    const calls = (await Promise.all(asked)).reduce((sum: number, one) => sum + one, 0);
    // Each call left costs 5 and needs 7: the last that fits begins at 693 or before.
    assert.ok(calls >= 100 && calls <= 139, `${calls} calls`);
    for (const account of ['org', 'team', 'all']) {
      assert.deepEqual(await balanceOf(store, account), { spent: 5 * calls, held: 0 });
    }
    assert.deepEqual(await store.openHolds(), []);
  },

  async 'gives one hold to all who ask for the same id at once'({ store, open }) {
    const stores = [store, await open('second'), await open('third')];
    const request = { id: 'same', amount: 10, lines: [line('a', 25)] };
    const asked = Array.from({ length: 60 }, (_, index) => held(stores[index % 3]!, request));
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([10]));
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 0, held: 10 });
    const settled = await Promise.all(stores.map(async (each) => each.settle('same', 4)));
    assert.equal(settled.filter(({ state }) => state === 'settled').length, 1);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 4, held: 0 });
  },
};
