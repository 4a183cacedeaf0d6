import type { Call } from '../exchange/call.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Asking, Held, Short, Walls } from './walls.ts';

/** What other processes settle is not heard of; it is looked for so often, in milliseconds. */
const lookMs = 250;
/** More calls than so many do not wait at once. */
const waitingLimit = 10_000;
let waiting = 0;

export interface Wait {
  readonly asking: Asking;
  /** How the first attempt failed. */
  readonly short: Short;
  readonly waitMs: number;
  readonly walls: Walls;
  readonly clock: Clock;
}

/**
 * Asks again whenever something was settled, until it holds, the time is over, the caller leaves, or what is spent alone leaves too little. Resolves with the last verdict.
 * @throws EconomizerError `ECO_BUDGET_STORE`, or what the call was cancelled with.
 */
export async function waitForRoom(call: Call, wait: Wait): Promise<Held | Short> {
  const { asking, walls, clock } = wait;
  const least = asking.atLeast ?? asking.amount;
  const deadline = clock.tick() + wait.waitMs;
  let verdict: Held | Short = wait.short;
  if (waiting >= waitingLimit) return verdict;
  waiting++;
  try {
    while (!verdict.held && clock.tick() < deadline) {
      if (verdict.by.limit - verdict.spent < least) break;
      await change(call, wait, Math.min(lookMs, deadline - clock.tick()));
      if (call.cancellation.reason !== undefined) throw call.cancellation.reason;
      verdict = await walls.hold(asking);
    }
  } finally {
    waiting--;
  }
  return verdict;
}

/** Resolves when something was settled, the time is over or the caller leaves. */
function change(call: Call, { walls, clock }: Wait, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const ends: (() => void)[] = [];
    const finish = (): void => {
      for (const end of ends) end();
      resolve();
    };
    ends.push(walls.onSettled(finish), clock.after(ms, finish));
    ends.push(call.cancellation.onCancel(finish));
  });
}
