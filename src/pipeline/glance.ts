import type { Walls } from '../budget/walls.ts';
import { announce, partOf } from './reserve.ts';
import type { Stage } from './stage.ts';

/** Tells how the call's budgets stand, as far as this process knows, so that answers that draw on none (stored ones, refusals) say it too. */
export function createGlance({ walls }: { readonly walls: Walls }): Stage {
  return (call, next) => {
    const touched = walls.touched(call.caller);
    if (touched.length > 0) announce(partOf(call), walls, touched);
    return next(call);
  };
}
