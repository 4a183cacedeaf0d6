import type { CarePlan } from '../context/care-plan.ts';
import type { FanOut } from '../context/care/fan-out.ts';
import type { Call } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { Clock } from '../kernel/clock.ts';
import { note } from './note.ts';
import { tapped } from './tap.ts';

/** A call that went through the fan-out. */
export interface Fanned {
  readonly reply: Reply;
  /** It let another warm its prefix. */
  readonly waited: boolean;
}

/** Sends a call, after the first token of another with the same cold prefix where that pays. A leader that fails holds nobody up. */
export async function fanned(
  call: Call,
  plan: CarePlan,
  options: {
    readonly fanOut: FanOut | undefined;
    readonly clock: Clock;
    readonly send: () => Promise<Reply>;
  },
): Promise<Fanned> {
  const { fanOut, clock, send } = options;
  const part = fanOut?.enter(plan, clock.now(), call.facts?.stream === true);
  if (part === undefined) return { reply: await send(), waited: false };
  if (part.kind === 'follow') {
    const began = clock.tick();
    await firstOf(part.ready, waitWithin(call, part.waitMs), { call, clock });
    note(call, 'fan-out', `waited:${Math.round(clock.tick() - began)}ms`, clock);
    return { reply: await send(), waited: true };
  }
  try {
    const reply = await send();
    if (isWhole(reply.body)) {
      part.release();
      return { reply, waited: false };
    }
    const { release } = part;
    const body = tapped(reply.body, { chunk: release, end: release, broken: release });
    return { reply: { ...reply, body }, waited: false };
  } catch (error) {
    part.release();
    throw error;
  }
}

/** A caller with a deadline waits for a quarter of it at most. */
function waitWithin({ deadlineMs }: Call, waitMs: number): number {
  return deadlineMs === undefined ? waitMs : Math.min(waitMs, deadlineMs / 4);
}

/** The leader's first token, the end of the wait, or the caller's leaving, whichever comes first. */
function firstOf(
  ready: Promise<void>,
  waitMs: number,
  { call, clock }: { readonly call: Call; readonly clock: Clock },
): Promise<void> {
  return new Promise((resolve) => {
    let unsubscribe = (): void => {};
    const callOff = clock.after(waitMs, () => finish());
    const finish = (): void => {
      callOff();
      unsubscribe();
      resolve();
    };
    // Calls back at once where the caller has left already.
    unsubscribe = call.cancellation.onCancel(finish);
    void ready.then(finish);
  });
}
