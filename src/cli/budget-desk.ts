import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { budgetDesk } from '../assembly/budget-desk.ts';
import type { BudgetDesk } from '../budget/desk.ts';
import { readDecisions } from '../budget/ladder/journal-file.ts';
import { Plan, type Touched } from '../budget/plan.ts';
import type { BudgetStanding } from '../budget/standing.ts';
import type { BudgetStore } from '../budget/store.ts';
import type { Config } from '../config/config.ts';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { systemClock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { createPriceBook } from '../ledger/price-book.ts';
import type { LedgerRow } from '../ledger/row.ts';
import { openLedgerReader } from '../ledger/stores/sqlite-reader.ts';
import { openBudgetStore } from './budget-store.ts';

export interface DeskFlags {
  readonly config?: string;
}

/** Accounts of budgets with `*` that are shown at most. */
const openAccountsMax = 200;
/** Calls that are looked through for the values of `*`. */
const rowsForValues = 5000;

/**
 * Opens the desk on the store that the gateways share, for one act. Who has a value of its own in a budget with `*` is known from the ledger.
 * @throws EconomizerError `ECO_CONFIG` where there is no budget, or where it is counted in a gateway's memory.
 */
export async function withBudgetDesk(
  flags: DeskFlags,
  act: (desk: BudgetDesk) => Promise<void>,
): Promise<void> {
  const environment = processEnvironment();
  const config = await loadConfig({ file: flags.config, environment, keeps: false });
  checkReachable(config);
  const clock = systemClock;
  const path = join(config.dataDirectory, 'ledger.sqlite');
  const ledger = existsSync(path) ? openLedgerReader(path) : undefined;
  const rows = (limit: number) => Promise.resolve(ledger?.recent(limit));
  const opened = await openBudgetStore(config, clock);
  const { store } = opened;
  try {
    const desk = budgetDesk({
      config,
      clock,
      priceBook: createPriceBook({ overrides: config.prices }),
      store,
      standings: async () =>
        standingsOf(config, store, (await rows(rowsForValues)) ?? [], clock.now()),
      rungs: undefined,
      pace: undefined,
      decisions: (count) => readDecisions(join(config.dataDirectory, 'decisions.jsonl'), count),
      rows,
    });
    await act(desk);
  } finally {
    ledger?.close();
    await opened.close();
  }
}

function checkReachable({ budgets, budgeting }: Config): void {
  if (budgets.length === 0) {
    throw new EconomizerError(
      'ECO_CONFIG',
      'Add a budget under "budgets" in the configuration, or name its file with --config; there is none here.',
      { param: 'budgets' },
    );
  }
  if (budgeting.store !== 'memory') return;
  throw new EconomizerError(
    'ECO_CONFIG',
    'Ask the gateway itself (GET /economizer/admin/budgets): with budgeting.store: memory its budgets are counted in its own memory, where no command can see them.',
    { param: 'budgeting.store' },
  );
}

async function standingsOf(
  { budgets }: Config,
  store: BudgetStore,
  rows: readonly LedgerRow[],
  now: number,
): Promise<readonly BudgetStanding[]> {
  const plan = new Plan(budgets);
  const accounts = new Map<string, Touched>();
  for (const touched of plan.single(now)) accounts.set(touched.account, touched);
  const single = accounts.size;
  for (const row of rows) {
    if (accounts.size >= single + openAccountsMax) break;
    for (const touched of plan.touched(row, now)) accounts.set(touched.account, touched);
  }
  const balances = await store.read([...accounts.keys()]);
  const order = new Map(budgets.map(({ id }, index) => [id, index]));
  return balances
    .map(({ account, spent, held }) => {
      const { budget, value, window } = accounts.get(account)!;
      return { budget, account, value, window, spent, held, at: now };
    })
    .toSorted((one, other) => order.get(one.budget.id)! - order.get(other.budget.id)!);
}
