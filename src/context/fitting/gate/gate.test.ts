import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchTokens } from './batch-size.ts';
import { CallsLeft } from './calls-left.ts';
import { withoutCache, type Economics } from './economics.ts';
import { planEdits, type Plan, type PlanQuestion } from './plan.ts';
import { savingOf, type Standing } from './saving.ts';

const economics = (read: number, write: number): Economics => ({
  base: { fresh: 1, read, write, output: 5 },
  cliffs: [],
  ttlMs: 300_000,
  asks: false,
  window: undefined,
});

const standing = (given: Partial<Standing> = {}): Standing => ({
  economics: economics(0.1, 1.25),
  total: 60_000,
  sentBefore: 60_000,
  hot: true,
  callsLeft: 10,
  growth: 0,
  output: 0,
  coldShare: 0,
  ...given,
});

describe('the saving of an edit', () => {
  it('is positive just where H > (w - r) T / (r D)', () => {
    const multiplier = fc.double({ min: 0.02, max: 0.9, noNaN: true });
    fc.assert(
      fc.property(
        multiplier,
        fc.double({ min: 1, max: 2, noNaN: true }),
        fc.integer({ min: 1, max: 50_000 }),
        fc.integer({ min: 1, max: 50_000 }),
        fc.integer({ min: 1, max: 300 }),
        (read, write, removed, kept, callsLeft) => {
          const before = 5000;
          const total = before + removed + kept;
          const saving = savingOf(
            standing({ economics: economics(read, write), total, sentBefore: total, callsLeft }),
            { before, removed },
          );
          const least = ((write - read) * kept) / (read * removed);
          fc.pre(Math.abs(callsLeft - least) > 1e-6 * least);
          expect(saving > 0).toBe(callsLeft > least);
        },
      ),
    );
  });

  it('is positive for every edit when the cache is cold, or when there is none', () => {
    const cut = fc.record({ before: fc.nat(30_000), removed: fc.integer({ min: 1, max: 30_000 }) });
    fc.assert(
      fc.property(cut, fc.integer({ min: 1, max: 50 }), (each, callsLeft) => {
        expect(savingOf(standing({ hot: false, callsLeft }), each)).toBeGreaterThan(0);
        const plain = withoutCache(economics(0.05, 1.25));
        expect(savingOf(standing({ economics: plain, callsLeft }), each)).toBeGreaterThan(0);
      }),
    );
  });

  it('counts a cliff for the whole request, output too', () => {
    const rates = { fresh: 5, read: 0.5, write: 6.25, output: 25 };
    const steep = { ...economics(0.1, 1.25), cliffs: [{ above: 50_000, rates }] };
    const cut = { before: 10_000, removed: 20_000 };
    const given = { callsLeft: 1, output: 1000 };
    expect(savingOf(standing(given), cut)).toBeLessThan(0);
    expect(savingOf(standing({ ...given, economics: steep }), cut)).toBeCloseTo(
      60_000 * 0.5 + 25_000 - (10_000 * 0.1 + 30_000 * 1.25 + 5000),
    );
  });
});

it('a batch is as large as the optimum of order quantities', () => {
  // The anchor of the derivation: P = 15k, g + c = 5.8k, r = 0.1, w = 1.25 gives 45k.
  const size = batchTokens(standing({ growth: 5800 }), 15_000);
  expect(size).toBeGreaterThan(44_000);
  expect(size).toBeLessThan(46_000);
  expect(batchTokens(standing({ growth: 5800, economics: economics(1, 1) }), 15_000)).toBe(0);
});

describe('the calls still expected', () => {
  it('are half of those that were, before an agent has a past', () => {
    const unknown = new CallsLeft();
    expect(unknown.expect('a', 20)).toBeGreaterThan(8);
    expect(unknown.expect('a', 20)).toBeLessThan(14);
  });

  it('are the median of what its conversations had left', () => {
    const past = new CallsLeft();
    for (let count = 0; count < 20; count++) past.learn('a', 30);
    expect(past.expect('a', 10)).toBe(21);
    expect(past.expect('a', 30)).toBe(1);
    expect(past.expect('b', 10)).not.toBe(21);
  });

  it('are remembered of a bounded number of agents', () => {
    const past = new CallsLeft();
    for (let count = 0; count < 20; count++) past.learn('first', 30);
    for (let agent = 0; agent < 1000; agent++) past.learn(`agent ${agent}`, 5);
    expect(past.expect('first', 10)).not.toBe(21);
  });
});

describe('the plan', () => {
  const items = Array.from({ length: 40 }, (_, index) => ({
    tokens: index % 2 === 0 ? 500 : 3000,
    maskable: index % 2 === 0 ? 0 : 2970,
  }));
  const total = 10_000 + items.reduce((sum, { tokens }) => sum + tokens, 0);
  const question = (given: Partial<PlanQuestion> & { standing?: Standing } = {}): PlanQuestion => ({
    standing: standing({ total, sentBefore: total - 3500, callsLeft: 40, growth: 3500 }),
    head: 10_000,
    items,
    policy: { tokenBudget: 4096, keepRecent: 6, remove: 'needed' },
    limit: Infinity,
    units: () => [
      { from: 0, to: 2, relevance: 1 },
      { from: 2, to: 4, relevance: 0 },
    ],
    allows: () => true,
    ...given,
  });
  const planned = (given: Parameters<typeof question>[0]): Plan => {
    const plan = planEdits(question(given));
    if (typeof plan === 'string') throw new Error(plan);
    return plan;
  };

  it('masks a batch that pays, and leaves the newest alone', () => {
    const plan = planned({});
    expect(plan.edits).toBe('batch');
    expect(Math.max(...plan.mask)).toBeLessThan(items.length - 6);
    expect(plan.saving).toBeGreaterThan(0);
    expect(plan.remove).toEqual([]);
  });

  it('makes none in the budget, when few calls are left, or when its class is off', () => {
    const policy = { tokenBudget: 1e6, keepRecent: 6, remove: 'needed' } as const;
    expect(planEdits(question({ policy }))).toBe('in-budget');
    const last = standing({ total, sentBefore: total, callsLeft: 1, growth: 3500 });
    expect(planEdits(question({ standing: last }))).toBe('does-not-pay');
    expect(planEdits(question({ allows: () => false }))).toBe('switched-off');
    const bare = items.map(({ tokens }) => ({ tokens, maskable: 0 }));
    expect(planEdits(question({ items: bare }))).toBe('nothing-to-edit');
  });

  it('waits for a batch to be worth its cost', () => {
    const few = items.slice(0, 10);
    const standingNow = standing({
      total: 27_500,
      sentBefore: 24_000,
      callsLeft: 40,
      growth: 3500,
    });
    expect(planEdits(question({ items: few, standing: standingNow }))).toBe('not-ripe');
    // A cold cache waits for nothing.
    const cold = planEdits(question({ items: few, standing: { ...standingNow, hot: false } }));
    expect(cold).toMatchObject({ edits: 'cold', mask: [1, 3] });
  });

  it('obeys a window whatever it costs, removing the least relevant where masking is not enough', () => {
    const plan = planned({ limit: 38_000, standing: standing({ total, callsLeft: 1 }) });
    expect(plan.edits).toBe('window');
    expect(plan.remove.map(({ from }) => from)).toEqual([2, 0]);
    expect(plan.mask).not.toContain(1);
    const never = { tokenBudget: 4096, keepRecent: 6, remove: 'never' } as const;
    expect(planned({ limit: 40_000, policy: never }).remove).toEqual([]);
    expect(planned({ limit: 40_000, allows: (edits) => edits === 'window' }).edits).toBe('window');
  });

  it('gets below a cliff, and no further than that with turns', () => {
    const rates = { fresh: 5, read: 0.5, write: 6.25, output: 25 };
    const steep = { ...economics(0.1, 1.25), cliffs: [{ above: 60_000, rates }] };
    const plan = planned({
      standing: standing({ economics: steep, total, sentBefore: total - 3500 }),
    });
    expect(plan.edits).toBe('cliff');
    expect(plan.remove).toEqual([]);
    expect(total - plan.cut.removed).toBeLessThanOrEqual(60_000);
  });
});
