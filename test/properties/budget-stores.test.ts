import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { createMemoryBudgetStore, MemoryBacking } from '../../src/budget/stores/memory.ts';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import type { BudgetStore } from '../../src/budget/store.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { ModelOfBudgets, type Ask, type Step } from '../budget/store-model.ts';

const leaseMs = 10_000;
const accounts = ['a', 'b', 'c'] as const;
const owners = 3;

const line = fc.record({
  account: fc.constantFrom(...accounts),
  limit: fc.integer({ min: 0, max: 100 }),
  hard: fc.boolean(),
  endsAt: fc.constant(undefined),
});
/** Few ids, so that many acts meet again what others did. */
const id = fc.integer({ min: 0, max: 12 }).map((number) => `h${number}`);
const owner = fc.nat(owners - 1);
const amount = fc.integer({ min: 0, max: 60 });
const ask: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      id,
      amount,
      atLeast: fc.option(amount, { nil: undefined }),
      lines: fc.uniqueArray(line, { minLength: 1, selector: ({ account }) => account }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('settle' as const), id, charged: amount }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('turn' as const),
      owner,
      asks: fc.array(ask, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('heartbeat' as const), owner }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.integer({ min: 0, max: 2 * leaseMs }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restore' as const),
      owner,
      account: fc.constantFrom(...accounts),
      spent: amount,
    }),
  },
);

type Opener = (clock: SimulatedClock, owner: string) => BudgetStore;

async function holdsUp(open: Opener, steps: readonly Step[]): Promise<void> {
  const clock = new SimulatedClock();
  const stores = Array.from({ length: owners }, (_, index) => open(clock, `owner ${index}`));
  const model = new ModelOfBudgets({ clock, leaseMs, owners });
  try {
    for (const each of steps) await model.apply(each, stores);
    await model.compare(stores[0]!, accounts);
  } finally {
    for (const store of stores) await store.close();
  }
}

describe('stores of budgets do as the model does, whatever they are asked', () => {
  it('memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const backing = new MemoryBacking();
        await holdsUp(
          (clock, name) => createMemoryBudgetStore({ clock, leaseMs, owner: name, backing }),
          steps,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('sqlite', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'economizer-budget-'));
    let files = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const path = join(directory, `${++files}.sqlite`);
        await holdsUp(
          (clock, name) => createSqliteBudgetStore({ path, clock, leaseMs, owner: name }),
          steps,
        );
      }),
      { numRuns: 40 },
    );
    rmSync(directory, { recursive: true, force: true });
  });
});
