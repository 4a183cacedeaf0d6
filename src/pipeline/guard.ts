import type { LoopWatch } from '../budget/runaway/watch.ts';
import type { SessionCalls } from '../budget/runaway/session-calls.ts';
import type { Call } from '../exchange/call.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { note } from './note.ts';
import { standpointOf } from './protect.ts';

/** Refuses calls of an agent that has run away, and warns of one that seems to. */
export function createGuard(options: {
  readonly loops: LoopWatch | undefined;
  readonly sessionCalls: SessionCalls | undefined;
  readonly clock: Clock;
}): (call: Call) => void | Promise<void> {
  const { loops, sessionCalls, clock } = options;
  return (call) => {
    const { steps } = call;
    if (loops !== undefined && steps !== undefined && steps.length > 0) watch(call, loops, clock);
    if (sessionCalls === undefined) return undefined;
    return counted(call, sessionCalls, clock);
  };
}

function watch(call: Call, loops: LoopWatch, clock: Clock): void {
  try {
    const warning = loops.judge(standpointOf(call.caller), call.steps!);
    if (warning === undefined) return;
    call.warnings = [...(call.warnings ?? []), warning];
    note(call, 'runaway', `warned:${warning.replaceAll(';', ':')}`, clock);
  } catch (error) {
    throw refused(call, error, clock);
  }
}

function counted(call: Call, sessionCalls: SessionCalls, clock: Clock): void | Promise<void> {
  try {
    const counting = sessionCalls.count(call.id, standpointOf(call.caller));
    return counting?.catch((error: unknown) => {
      throw refused(call, error, clock);
    });
  } catch (error) {
    throw refused(call, error, clock);
  }
}

function refused(call: Call, error: unknown, clock: Clock): EconomizerError {
  const known = EconomizerError.from(error);
  note(call, 'runaway', `refused:${known.code}`, clock);
  return known;
}
