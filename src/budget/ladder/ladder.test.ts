import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import type { Standpoint } from '../budget.ts';
import { sampleBudget, sampleStanding } from '../sample-standing.ts';
import type { BudgetStanding } from '../standing.ts';
import type { Decision } from './decisions.ts';
import { Ladder } from './ladder.ts';
import { actionsAt, nextLevel, usualLevels } from './levels.ts';

const policy = { levels: usualLevels, margin: 0.02 };
const anyone: Standpoint = {
  tenant: 'acme',
  team: undefined,
  key: undefined,
  agent: 'a',
  session: undefined,
  tags: [],
};
const account = sampleStanding(0).account;

function ladder(standings: () => readonly BudgetStanding[] = () => []) {
  const clock = new SimulatedClock();
  const signals = new Signals();
  const decisions: Decision[] = [];
  const told: string[] = [];
  signals.on('pressure-changed', ({ text }) => told.push(text));
  const made = new Ladder({
    policy,
    budgets: {
      touched: () => [{ account }],
      get budgets() {
        return standings().map(({ budget }) => budget);
      },
      standings: () => Promise.resolve(standings()),
    },
    store: { read: () => standingsOr([sampleStanding(10)], standings) },
    journal: { record: (decision) => void decisions.push(decision) },
    clock,
    signals,
  });
  const level = (): number => made.pressureOn(anyone)?.level ?? 0;
  return { clock, signals, decisions, told, made, level };
}

/** Balances of these accounts, and of those where there are none. */
function standingsOr(
  others: readonly BudgetStanding[],
  standings: () => readonly BudgetStanding[],
): readonly BudgetStanding[] {
  const found = standings();
  return found.length === 0 ? others : found;
}

async function pass(clock: SimulatedClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('levels', () => {
  test.each([
    [0.79, 0],
    [0.8, 1],
    [0.899, 1],
    [0.9, 2],
    [0.95, 3],
    [1, 4],
    [1.5, 4],
  ])('at %d of the limit the level is %d', (fill, level) => {
    expect(nextLevel(0, fill, policy)).toBe(level);
  });

  test('actions add up, and those of a soft budget turn nobody away', () => {
    expect(actionsAt(4, usualLevels, true)).toEqual([
      'cache-more',
      'cheaper-models',
      'batch',
      'defer',
      'scale-down',
      'shutdown',
    ]);
    expect(actionsAt(4, usualLevels, false)).toEqual(['cache-more', 'cheaper-models']);
    expect(actionsAt(0, usualLevels, true)).toEqual([]);
  });

  test('never flap: a walk changes level at most once for each margin that it moved, and each level once up', () => {
    const steps = fc.array(fc.double({ min: -0.05, max: 0.05, noNaN: true }), { maxLength: 500 });
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 1, noNaN: true }), steps, (start, walk) => {
        let fill = start;
        let level = nextLevel(0, fill, policy);
        let changes = level;
        let moved = 0;
        for (const step of walk) {
          fill = Math.max(0, fill + step);
          moved += Math.abs(step);
          const next = nextLevel(level, fill, policy);
          changes += Math.abs(next - level);
          level = next;
        }
        // Down and up again through one level takes a margin; levels are passed in one direction once each beyond that.
        expect(changes).toBeLessThanOrEqual(2 * usualLevels.length + (moved / policy.margin) * 2);
      }),
    );
  });

  test('never flap: a sum that trembles by less than the margin changes a level once at most', () => {
    const trembling = fc.array(fc.double({ min: -0.0099, max: 0.0099, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(fc.constantFrom(0.8, 0.9, 0.95, 1), trembling, (around, walk) => {
        let level = nextLevel(0, around - 0.015, policy);
        let changes = 0;
        for (const shift of walk) {
          const next = nextLevel(level, around + shift, policy);
          if (next !== level) changes++;
          level = next;
        }
        expect(changes).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the ladder', () => {
  test('presses on the calls of a budget as it fills, and tells each change once', () => {
    const { made, level, told, decisions } = ladder();
    const seen: number[] = [];
    for (const spent of [5, 8, 8.1, 9, 9.5, 10]) {
      made.hear(sampleStanding(spent));
      seen.push(level());
    }
    expect(seen).toEqual([0, 1, 1, 2, 3, 4]);
    expect(told).toHaveLength(4);
    expect(
      decisions.map((each) => each.kind === 'level' && [each.from, each.to, each.why]),
    ).toEqual([
      [0, 1, 'spend'],
      [1, 2, 'spend'],
      [2, 3, 'spend'],
      [3, 4, 'spend'],
    ]);
  });

  test('lifts by itself at the very moment the window turns', async () => {
    const { clock, made, level, decisions } = ladder();
    made.hear(sampleStanding(9.6));
    clock.advance(86_399_999);
    expect(level()).toBe(3);
    await pass(clock, 1);
    expect(level()).toBe(0);
    expect(decisions.at(-1)).toMatchObject({ from: 3, to: 0, why: 'window-turned' });
  });

  test('lifts within seconds when the limit is raised, although everybody is turned away', async () => {
    let budget = sampleBudget();
    const { clock, made, level, decisions } = ladder(() => [sampleStanding(10, { budget })]);
    made.hear(sampleStanding(10));
    await pass(clock, 5000);
    expect(level()).toBe(4);
    budget = sampleBudget({ limit: 20e9 });
    await pass(clock, 5000);
    expect(level()).toBe(0);
    expect(decisions.at(-1)).toMatchObject({ from: 4, to: 0, why: 'limit-changed' });
  });

  test('lifts when the budget is gone', async () => {
    const { clock, made, level, decisions } = ladder();
    made.hear(sampleStanding(10));
    await pass(clock, 5000);
    expect(level()).toBe(0);
    expect(decisions.at(-1)).toMatchObject({ why: 'removed' });
  });

  test('shuts down where a hard budget turns calls away in its last twentieth, and stays so until spend falls', () => {
    const { made, level } = ladder();
    made.hear(sampleStanding(9, { refused: true }));
    expect(level()).toBe(2); // one large call says little
    made.hear(sampleStanding(9.6, { refused: true }));
    expect(level()).toBe(4);
    made.hear(sampleStanding(9.6));
    expect(level()).toBe(4);
    made.hear(sampleStanding(9.2));
    expect(level()).toBe(2);
  });

  test('what is held does not count: a hundred calls at once are no spent budget', () => {
    const { made, level } = ladder();
    made.hear(sampleStanding(1, { held: 9e9 }));
    expect(level()).toBe(0);
  });

  test('a late settlement of a window that is over presses nobody', async () => {
    const { clock, made, level } = ladder();
    await pass(clock, 86_400_000);
    made.hear(sampleStanding(10));
    expect(level()).toBe(0);
  });

  test('keeps what it knew while budgets cannot be read, and says so once', async () => {
    const { clock, made, level, signals } = ladder(() => {
      throw new Error('Redis is gone');
    });
    let failures = 0;
    signals.on('part-failed', () => failures++);
    made.hear(sampleStanding(9));
    await pass(clock, 5000);
    await pass(clock, 5000);
    expect([level(), failures]).toEqual([2, 1]);
  });

  test('after a restart it reads where budgets stand', async () => {
    const { made, level } = ladder(() => [sampleStanding(9)]);
    await made.start();
    expect(level()).toBe(2);
  });

  test('of several budgets the most pressing one counts, with the actions of all', () => {
    const clock = new SimulatedClock();
    const made = new Ladder({
      policy,
      budgets: {
        touched: () => [{ account: 'hard' }, { account: 'soft' }],
        budgets: [],
        standings: () => Promise.resolve([]),
      },
      store: { read: () => [] },
      journal: { record() {} },
      clock,
      signals: new Signals(),
    });
    made.hear(sampleStanding(9, { account: 'hard' }));
    made.hear(
      sampleStanding(10, { account: 'soft', budget: sampleBudget({ id: 'soft', hard: false }) }),
    );
    const pressure = made.pressureOn(anyone)!;
    expect([pressure.level, pressure.budget]).toEqual([4, 'soft']);
    expect([...pressure.actions].toSorted()).toEqual([
      'batch',
      'cache-more',
      'cheaper-models',
      'defer',
    ]);
  });

  test('is bounded', () => {
    const { made } = ladder();
    for (let index = 0; index < 10_100; index++) {
      made.hear(sampleStanding(9, { account: `each/${index}` }));
    }
    expect(made.rungs.length).toBe(10_000);
  });
});
