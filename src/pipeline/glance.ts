import type { Walls } from '../budget/walls.ts';
import type { Call } from '../exchange/call.ts';
import { announce, partOf } from './budget-notice.ts';
import type { Stage } from './stage.ts';

/**
 * Tells how the call's budgets stand, as far as this process knows, where nothing was held for it: a stored answer, another's flight, a refusal
 * on other grounds.
 */
export function createGlance({ walls }: { readonly walls: Walls }): Stage {
  return async (call, next) => {
    try {
      return await next(call);
    } finally {
      if (call.account.budget?.tightest === undefined) glance(call, walls);
    }
  };
}

function glance(call: Call, walls: Walls): void {
  try {
    const touched = walls.touched(call.caller, call.startedAt);
    if (touched.length > 0) announce(partOf(call), walls, touched);
  } catch {
    // More tags than budgets can be kept for: such a call is refused where it would draw on them, and needs no word here.
  }
}
