import type { ConfigFile } from '../../src/config/schema.ts';
import type { BudgetStanding } from '../../src/budget/standing.ts';
import { startHouse, type House, type HouseOptions } from './harness.ts';

type Budgets = NonNullable<ConfigFile['budgets']>;
export type Budget = Budgets[number];

/** A monthly budget for all calls. */
export function all(limit_usd: number | string, more: Partial<Budget> = {}): Budget {
  return { id: 'all', limit_usd, period: 'monthly', ...more };
}

/** A house with budgets, without a cache unless `config` says so. */
export function walled(budgets: Budgets, options: HouseOptions = {}): Promise<House> {
  const config = { cache: { enabled: false }, ...options.config, budgets };
  return startHouse({ ...options, config });
}

/** As they stand once the rows of this turn are in the journal: only then are their calls settled. */
export async function standings(house: House): Promise<readonly BudgetStanding[]> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  return house.gateway.assembly.walls!.standings();
}

/** What was spent and what is held of the only budget there is. */
export async function balance(house: House): Promise<{ spent: number; held: number }> {
  const [{ spent, held }] = (await standings(house)) as [BudgetStanding];
  return { spent, held };
}

/** What the ledger says that budgets were charged. */
export function charged({ rows }: Pick<House, 'rows'>): number {
  return rows.reduce((sum, row) => sum + (row.chargedNanos ?? row.costNanos ?? 0), 0);
}
