import type { JsonObject } from '../kernel/json.ts';
import { usd } from '../kernel/money.ts';
import type { BudgetOverview, BudgetState } from './desk.ts';
import type { Decision } from './ladder/decisions.ts';
import { scopeText, type Emergency } from './ladder/emergency.ts';
import type { SavingEstimate } from './ladder/savings.ts';

/** An overview as programs read it: US dollars, times as ISO 8601 in UTC, null for what is not known. */
export function overviewJson(overview: BudgetOverview): JsonObject {
  return {
    at: timeText(overview.at),
    ladder: overview.isLadderOn,
    budgets: overview.budgets.map(stateJson),
    emergencies: overview.emergencies.map(emergencyJson),
    decisions: overview.decisions.map(decisionJson),
    saving: overview.saving === undefined ? null : savingJson(overview.saving),
  };
}

function stateJson({ standing, forecast, level, actions }: BudgetState): JsonObject {
  const { budget, value, window, spent, held } = standing;
  return {
    id: budget.id,
    value: value ?? null,
    scope: { ...budget.scope },
    period: budget.period,
    window: window.name,
    hard: budget.hard,
    limit_usd: usd(budget.limit),
    spent_usd: usd(spent),
    held_usd: usd(held),
    left_usd: usd(Math.max(0, budget.limit - spent - held)),
    resets_at: timeText(window.endsAt),
    forecast: {
      exhausted_at: timeText(forecast.exhaustedAt),
      unsure: forecast.unsure,
      text: forecast.text,
    },
    level,
    actions: [...actions],
  };
}

export function emergencyJson({ scope, level, since, until, by }: Emergency): JsonObject {
  return {
    scope: scopeText(scope),
    level,
    since: timeText(since),
    until: timeText(until),
    by: by ?? null,
  };
}

/** Saving a day, as far as the ledger tells. */
export function savingJson(saving: SavingEstimate): JsonObject {
  return {
    days: saving.days,
    calls: saving.calls,
    sample: saving.isSample,
    basis: 'estimated',
    spend_usd_per_day: usd(saving.spend),
    shutdown_usd_per_day: usd(saving.shutdown),
    cheaper_models_usd_per_day: usd(saving.cheaperModels),
    cache_more_usd_per_day_at_most: usd(saving.cacheMoreAtMost),
  };
}

function decisionJson({ at, ...decision }: Decision): JsonObject {
  const { spent, limit, ...rest } = { spent: undefined, limit: undefined, ...decision };
  const money =
    spent === undefined || limit === undefined
      ? {}
      : { spent_usd: usd(spent), limit_usd: usd(limit) };
  return { at: timeText(at), ...(rest as JsonObject), ...money };
}

/** Null for never, and for what no date can hold. */
function timeText(at: number | undefined): string | null {
  return at === undefined || Math.abs(at) > 8.64e15 ? null : new Date(at).toISOString();
}
