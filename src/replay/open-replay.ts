import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import type { Upstream } from '../exchange/upstream.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';

/** The real pipeline, opened on what a replay gives it: a simulated provider and simulated time. */
export interface ReplayedPipeline {
  run(call: Call): Promise<Reply>;
  close(): Promise<void>;
}

/** Opens a pipeline that tells each ended call by the signal `call-ended`; a composition root supplies it. */
export type OpenPipeline = (parts: {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly signals: Signals;
}) => Promise<ReplayedPipeline>;
