import type { BudgetStanding } from './standing.ts';

/**
 * The share of its limit that a budget has spent. What is held is left out: holds are upper bounds that mostly come back, so that a hundred calls at once
 * would look like a spent budget and be gone a moment later. What is spent only grows within a window.
 */
export function fillOf({ budget, spent }: BudgetStanding): number {
  if (budget.limit <= 0) return 1;
  return spent / budget.limit;
}

/**
 * A hard budget hardly ever spends its last cent: calls are turned away when what they could cost is more than what is left. From this share on
 * such a budget counts as used up.
 */
const nearlyUsedUp = 0.95;

/** True where calls are turned away although some money is left, and only little is. */
export function isUsedUp(standing: BudgetStanding, from: number = nearlyUsedUp): boolean {
  const fill = fillOf(standing);
  return fill >= 1 || (standing.refused === true && fill >= from);
}
