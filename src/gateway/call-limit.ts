import type { Call } from '../exchange/call.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';

/** A timer's longest time; a later one would go off at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Cancels the call when its caller's deadline or the gateway's own limit has passed, whichever comes first.
 * @param totalMs the gateway's limit in milliseconds; undefined for none.
 * @returns calls the limit off.
 */
export function limitCall(call: Call, totalMs: number | undefined, clock: Clock): () => void {
  const { deadlineMs = Infinity } = call;
  const limitMs = Math.min(deadlineMs, totalMs ?? Infinity);
  if (limitMs > longestTimerMs) return () => {};
  const source =
    deadlineMs === limitMs
      ? 'x-economizer-deadline of the request; ask with a later one'
      : 'limits.total of this gateway';
  return clock.after(limitMs, () =>
    call.cancellation.cancel(
      new EconomizerError(
        'ECO_DEADLINE',
        `The call took longer than ${limitMs} ms, its limit by the ${source}.`,
      ),
    ),
  );
}
