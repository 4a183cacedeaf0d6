import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { countingCases } from './conformance-counting.ts';
import { sharingCases } from './conformance-sharing.ts';
import type { BudgetTrial } from './conformance-trial.ts';
import type { Awaitable, BudgetStore } from './store.ts';

/** What the suite needs to handle stores that share one place to count. */
export interface StoreOnTrial {
  /** One more store over the same, as another process would have it. */
  readonly open: (owner: string) => Awaitable<BudgetStore>;
  /** Lets time pass for the stores: for those that go by the clock of a server it must be waited for. Moves the clock of the suite where that is not given. */
  readonly pass?: (ms: number) => Promise<void>;
  /** Frees what belongs to the trial once the suite has closed the stores. */
  readonly dispose?: () => Awaitable<void>;
}

export interface BudgetConformanceOptions {
  /** The name of the store, for the names of the cases. */
  readonly name: string;
  /** How long the leases of the stores are to be, in milliseconds (30,000). Shorter where `pass` waits for real. */
  readonly leaseMs?: number;
  /** A new and empty place to count. */
  readonly create: (options: {
    readonly clock: SimulatedClock;
    readonly leaseMs: number;
  }) => Awaitable<StoreOnTrial>;
}

/** One thing that every store must do. `run` rejects where it does not. */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/**
 * What every store of budgets must do, as a list of cases for any test runner:
 * `for (const { name, run } of budgetStoreConformance(...)) test(name, run)`.
 */
export function budgetStoreConformance(
  options: BudgetConformanceOptions,
): readonly ConformanceCase[] {
  return Object.entries({ ...countingCases, ...sharingCases }).map(([name, check]) => ({
    name: `${options.name}: ${name}`,
    run: () => runCase(options, check),
  }));
}

async function runCase(
  options: BudgetConformanceOptions,
  check: (trial: BudgetTrial) => Promise<void>,
): Promise<void> {
  const { leaseMs = 30_000 } = options;
  const clock = new SimulatedClock();
  const made = await options.create({ clock, leaseMs });
  const opened: BudgetStore[] = [];
  const open = async (owner: string): Promise<BudgetStore> => {
    const store = await made.open(owner);
    opened.push(store);
    return store;
  };
  const { pass = async (ms: number) => clock.advance(ms) } = made;
  const now = made.pass === undefined ? () => clock.now() : () => Date.now();
  try {
    await check({ store: await open('first'), open, leaseMs, now, pass });
  } finally {
    for (const store of opened) await store.close();
    await made.dispose?.();
  }
}
