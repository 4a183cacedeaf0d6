import type { BudgetNotice } from '../exchange/account.ts';
import { usdText } from '../kernel/money.ts';

/** `x-economizer-budget`: the budget with the least left, such as `team-a; left=0.42; limit=1; resets=2026-11-26T00:00:00Z`, in US dollars. */
export function budgetText({ id, left, limit, endsAt }: BudgetNotice): string {
  const resets = endsAt === undefined ? '' : `; resets=${timeText(endsAt)}`;
  return `${id}; left=${usdText(left)}; limit=${usdText(limit)}${resets}`;
}

function timeText(at: number): string {
  return new Date(at).toISOString().replace('.000', '');
}
