import type { BudgetDefinition } from './budget.ts';
import type { BudgetStanding } from './standing.ts';

const dollar = 1e9;

/** A daily budget of ten dollars, for tests. */
export function sampleBudget(given: Partial<BudgetDefinition> = {}): BudgetDefinition {
  return {
    id: 'daily',
    scope: {},
    period: 'daily',
    timeZone: 'UTC',
    limit: 10 * dollar,
    hard: true,
    ...given,
  };
}

/** How it stands on 1 January 2026 with so many dollars spent. */
export function sampleStanding(
  spentUsd: number,
  given: Partial<BudgetStanding> = {},
): BudgetStanding {
  const startsAt = Date.UTC(2026, 0, 1);
  return {
    budget: sampleBudget(),
    account: '{budgets}daily/@2026-01-01',
    value: undefined,
    window: { name: '2026-01-01', startsAt, endsAt: startsAt + 86_400_000 },
    spent: spentUsd * dollar,
    held: 0,
    at: startsAt,
    ...given,
  };
}
