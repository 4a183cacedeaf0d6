import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';

/** The rest of the path. */
export type Next = (call: Call) => Promise<Reply>;

/** One step on a call's path: does its part, calls `next` for the rest (or answers itself), does its second part on the way back. */
export type Stage = (call: Call, next: Next) => Promise<Reply>;

/** Stages in their order, with `last` behind them, as one function. Built once, so that a call makes no closures. */
export function compose(stages: readonly Stage[], last: Next): Next {
  let next = last;
  for (const stage of stages.toReversed()) {
    const rest = next;
    next = (call) => stage(call, rest);
  }
  return next;
}
