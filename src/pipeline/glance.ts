import type { Walls } from '../budget/walls.ts';
import type { Touched } from '../budget/plan.ts';
import type { BudgetPart } from '../exchange/account.ts';
import { partOf } from './reserve.ts';
import type { Stage } from './stage.ts';

/**
 * Tells how the call's budgets stand when its answer begins or it is refused, as far as this process knows; so those say it too that draw on none,
 * such as stored answers.
 */
export function createGlance({ walls }: { readonly walls: Walls }): Stage {
  return async (call, next) => {
    const touched = walls.touched(call.caller);
    if (touched.length === 0) return next(call);
    try {
      return await next(call);
    } finally {
      announce(partOf(call), walls, touched);
    }
  };
}

/** Takes note of what callers are told. */
function announce(part: BudgetPart, walls: Walls, touched: readonly Touched[]): void {
  const tightest = walls.tightest(touched);
  if (tightest === undefined) return;
  const { budget, limit, window } = tightest.touched;
  part.tightest = { id: budget.id, left: tightest.left, limit, endsAt: window.endsAt };
}
