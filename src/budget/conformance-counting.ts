import assert from 'node:assert/strict';
import { balanceOf, held, line, type BudgetTrial } from './conformance-trial.ts';
import type { HoldRequest } from './store.ts';

const greatest = Number.MAX_SAFE_INTEGER;

/** What one store must do by itself. */
export const countingCases: Readonly<Record<string, (trial: BudgetTrial) => Promise<void>>> = {
  async 'holds, and turns a hold into a charge'({ store }) {
    const verdict = await store.hold({ id: 'h', amount: 40, lines: [line('a', 100)] });
    const balances = [{ account: 'a', spent: 0, held: 40 }];
    assert.deepEqual(verdict, { held: true, amount: 40, balances });
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 0, held: 40 });
    assert.deepEqual(await store.settle('h', 25), {
      state: 'settled',
      balances: [{ account: 'a', spent: 25, held: 0 }],
    });
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 25, held: 0 });
    assert.deepEqual(await store.read(['b', 'a']), [
      { account: 'b', spent: 0, held: 0 },
      { account: 'a', spent: 25, held: 0 },
    ]);
    assert.deepEqual(await store.read([]), []);
  },

  async 'holds up to the limit exactly, and nothing beyond'({ store }) {
    const lines = [line('a', 100)];
    assert.equal(await held(store, { id: '1', amount: 99, lines }), 99);
    assert.equal(await held(store, { id: '2', amount: 2, lines }), undefined);
    assert.equal(await held(store, { id: '3', amount: 1, lines }), 1);
    assert.equal(await held(store, { id: '4', amount: 1, lines }), undefined);
    assert.equal(await held(store, { id: '5', amount: 0, lines }), 0);
    await store.settle('1', 0);
    assert.equal(await held(store, { id: '4', amount: 99, lines }), 99);
    assert.equal(await held(store, { id: '6', amount: 1, lines: [line('zero', 0)] }), undefined);
  },

  async 'holds on all lines or on none, and names the first that is short'({ store }) {
    await store.hold({ id: '1', amount: 60, lines: [line('b', 100)] });
    const lines = [line('a', 100), line('b', 100), line('c', 10)];
    const before = [
      { account: 'a', spent: 0, held: 0 },
      { account: 'b', spent: 0, held: 60 },
      { account: 'c', spent: 0, held: 0 },
    ];
    assert.deepEqual(await store.hold({ id: '2', amount: 50, lines }), {
      held: false,
      short: 'b',
      balances: before,
    });
    assert.deepEqual(await store.read(['a', 'b', 'c']), before);
    assert.equal((await store.openHolds()).length, 1);
    assert.equal((await store.settle('2', 5)).state, 'unknown');
    const after = await store.hold({ id: '3', amount: 10, lines });
    assert.deepEqual(after.balances, await store.read(['a', 'b', 'c']));
    assert.equal(after.held, true);
  },

  async 'holds what is left where that is enough'({ store }) {
    await store.hold({ id: '1', amount: 70, lines: [line('a', 100)] });
    const lines = [line('c', 500), line('a', 100), line('b', 20)];
    const ask = (id: string, atLeast: number) => held(store, { id, amount: 50, atLeast, lines });
    assert.equal(await ask('2', 25), undefined);
    const refused = await store.hold({ id: '2', amount: 50, atLeast: 21, lines });
    assert.equal(refused.held ? undefined : refused.short, 'b');
    assert.equal(await ask('3', 20), 20);
    assert.equal(await ask('3', 1), 20);
    assert.deepEqual(await balanceOf(store, 'c'), { spent: 0, held: 20 });
    await store.settle('3', 20);
    const all = { id: '4', amount: 5, atLeast: 1, lines: [line('a', 100)] };
    assert.equal(await held(store, all), 5);
  },

  async 'holds once for an id, before and after it is settled'({ store }) {
    const request = { id: 'same', amount: 40, lines: [line('a', 100), line('b', 100)] };
    await store.hold(request);
    assert.equal(await held(store, request), 40);
    assert.equal(await held(store, { ...request, amount: 90 }), 40);
    assert.equal(await held(store, { ...request, lines: [line('a', 0)] }), 40);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 0, held: 40 });
    await store.settle('same', 10);
    assert.equal(await held(store, request), 40);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 10, held: 0 });
    const other = { id: 'refused', amount: 200, lines: [line('a', 100)] };
    assert.equal(await held(store, other), undefined);
    assert.equal(await held(store, { ...other, amount: 90 }), 90);
  },

  async 'settles once, and changes nothing for an id that it does not know'({ store }) {
    const lines = [line('a', 100), line('b', 100)];
    await store.hold({ id: 'h', amount: 40, lines });
    assert.equal((await store.settle('h', 30)).state, 'settled');
    const again = await store.settle('h', 35);
    assert.equal(again.state, 'already');
    assert.deepEqual(again.balances, await store.read(['a', 'b']));
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 30, held: 0 });
    assert.deepEqual(await store.settle('never', 7), { state: 'unknown', balances: [] });
    assert.deepEqual(await balanceOf(store, 'b'), { spent: 30, held: 0 });
  },

  async 'does what is asked at once in the order in which it was asked'({ store }) {
    const settle = async (id: string, charged: number) => store.settle(id, charged);
    const lines = [line('a', 100), line('b', 100)];
    for (const id of ['1', '2', '3']) await store.hold({ id, amount: 30, lines });
    const outcomes = [settle('1', 10), settle('2', 20), settle('1', 15), settle('never', 1)];
    assert.equal((await store.hold({ id: '4', amount: 40, lines })).held, true);
    const told = await Promise.all(outcomes);
    const states = ['settled', 'settled', 'already', 'unknown'];
    assert.deepEqual(
      told.map(({ state }) => state),
      states,
    );
    assert.deepEqual(await balanceOf(store, 'b'), { spent: 30, held: 70 });
    assert.deepEqual((await settle('3', 5)).balances, [
      { account: 'a', spent: 35, held: 40 },
      { account: 'b', spent: 35, held: 40 },
    ]);
    assert.equal((await store.openHolds()).length, 1);
  },

  async 'books what was charged beyond the hold'({ store }) {
    const lines = [line('a', 100)];
    await store.hold({ id: 'h', amount: 90, lines });
    await store.settle('h', 130);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 130, held: 0 });
    assert.equal(await held(store, { id: 'i', amount: 1, lines }), undefined);
  },

  async 'never refuses for a soft line, and counts on it'({ store }) {
    const soft = line('soft', 10, { hard: false });
    assert.equal(await held(store, { id: '1', amount: 40, lines: [soft] }), 40);
    const both = [soft, line('hard', 50)];
    assert.equal(await held(store, { id: '2', amount: 50, atLeast: 1, lines: both }), 50);
    const refused = await store.hold({ id: '3', amount: 1, lines: both });
    assert.equal(refused.held ? undefined : refused.short, 'hard');
    await store.settle('1', 33);
    assert.deepEqual(await balanceOf(store, 'soft'), { spent: 33, held: 50 });
  },

  async 'keeps what was spent when the limit changes'({ store }) {
    const ask = (id: string, amount: number, limit: number) =>
      held(store, { id, amount, lines: [line('a', limit)] });
    await ask('1', 60, 100);
    await store.settle('1', 60);
    assert.equal(await ask('2', 1, 50), undefined);
    assert.equal(await ask('3', 0, 50), undefined);
    assert.equal(await ask('4', 140, 200), 140);
    assert.equal(await ask('5', 1, 200), undefined);
  },

  async 'raises what was spent to what is known better, and never lowers it'({ store }) {
    await store.restore('a', 70, undefined);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 70, held: 0 });
    const lines = [line('a', 100)];
    assert.equal(await held(store, { id: '1', amount: 31, lines }), undefined);
    assert.equal(await held(store, { id: '2', amount: 30, lines }), 30);
    await store.settle('2', 20);
    await store.restore('a', 80, undefined);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 90, held: 0 });
    await store.restore('a', 95, undefined);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 95, held: 0 });
  },

  async 'is exact up to 2^53 - 1, and refuses what it could not count exactly'({ store }) {
    const lines = [line('a', greatest)];
    assert.equal(await held(store, { id: '1', amount: greatest - 2, lines }), greatest - 2);
    assert.equal(await held(store, { id: '2', amount: 1, lines }), 1);
    assert.equal(await held(store, { id: '3', amount: 2, lines }), undefined);
    assert.equal(await held(store, { id: '4', amount: 2, atLeast: 1, lines }), 1);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 0, held: greatest });
    await store.settle('1', greatest - 2);
    await store.settle('2', 0);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: greatest - 2, held: 1 });
    await store.settle('4', greatest);
    assert.deepEqual(await balanceOf(store, 'a'), { spent: greatest, held: 0 });
    const soft = [line('soft', 1, { hard: false })];
    await store.hold({ id: '5', amount: greatest, lines: soft });
    assert.equal(await held(store, { id: '6', amount: 1, lines: soft }), undefined);
  },

  async 'keeps accounts with odd names apart'({ store }) {
    const names = [
      '{t}a',
      '{t}a b',
      '{t}a:b',
      '{t}a,b',
      'a"b',
      "a'b",
      'a\nb',
      'ä€😀',
      'a\\',
      '%',
      '[',
    ];
    const lines = names.map((name) => line(name, 100));
    assert.equal(await held(store, { id: 'odd "id"\n', amount: 5, lines }), 5);
    for (const [index, name] of names.entries()) {
      await store.hold({ id: `i${index}`, amount: index, lines: [line(name, 100)] });
    }
    const expected = names.map((account, index) => ({ account, spent: 0, held: 5 + index }));
    assert.deepEqual(await store.read(names), expected);
    const open = (await store.openHolds()).find(({ id }) => id === 'odd "id"\n');
    assert.deepEqual(open?.accounts, names);
    assert.equal((await store.settle('odd "id"\n', 2)).balances.length, names.length);
  },

  async 'counts in a window that is over for a while'({ store, now }) {
    const lines = [line('old', 100, { endsAt: now() - 1000 }), line('new', 100)];
    await store.hold({ id: '1', amount: 60, lines });
    assert.equal(await held(store, { id: '2', amount: 60, lines }), undefined);
    await store.heartbeat();
    await store.settle('1', 50);
    await store.heartbeat();
    assert.deepEqual(await balanceOf(store, 'old'), { spent: 50, held: 0 });
  },

  async 'refuses what cannot be meant'({ store }) {
    const good: HoldRequest = { id: 'h', amount: 1, lines: [line('a', 10)] };
    const bad: HoldRequest[] = [
      { ...good, id: '' },
      { ...good, amount: -1 },
      { ...good, amount: 0.5 },
      { ...good, amount: Number.NaN },
      { ...good, amount: 2 ** 53 },
      { ...good, atLeast: -1 },
      { ...good, lines: [] },
      { ...good, lines: [line('a', -1)] },
      { ...good, lines: [line('a', Number.POSITIVE_INFINITY)] },
      { ...good, lines: [line('a', 10), line('a', 10)] },
    ];
    for (const request of bad) {
      await assert.rejects(async () => store.hold(request), JSON.stringify(request));
    }
    await store.hold(good);
    for (const charged of [-1, 0.5, Number.NaN, 2 ** 53]) {
      await assert.rejects(async () => store.settle('h', charged), String(charged));
    }
    await assert.rejects(async () => store.restore('a', -1, undefined));
    assert.deepEqual(await balanceOf(store, 'a'), { spent: 0, held: 1 });
  },
};
