import type { Call } from '../exchange/call.ts';
import type { Clock } from '../kernel/clock.ts';

/** Adds a line to the call's trail. */
export function note(call: Call, stage: string, verdict: string, clock: Clock): void {
  call.trail.push({ stage, verdict, atMs: clock.tick() - call.startedTick });
}
