import { setImmediate as nextTurn } from 'node:timers/promises';
import { EconomizerError } from '../kernel/errors.ts';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import type { LedgerRow } from '../ledger/row.ts';
import type { Agenda } from './agenda.ts';
import { saysTheSame } from './answer-likeness.ts';
import type { OpenPipeline, ReplayedPipeline } from './open-replay.ts';
import type { PlannedCall } from './planned-call.ts';
import { BillingBrain } from './provider/billing-brain.ts';
import type { RulesOf } from './provider/prefix-cache.ts';
import type { Tokenizer } from './provider/tokenizer.ts';
import { answerIn, callOf } from './replayed-call.ts';
import { SimulatedProvider, type Script } from './simulated-provider.ts';

/** What came of the traffic through the pipeline. */
export interface WithUs {
  readonly rows: readonly LedgerRow[];
  /** Calls whose caller got something other than the recorded answer. */
  readonly answersChanged: number;
}

interface WithUsOptions {
  readonly agenda: Agenda<PlannedCall>;
  readonly openPipeline: OpenPipeline;
  readonly tokenizer: Tokenizer;
  readonly rulesOf: RulesOf;
  readonly startMs: number;
  /** Told after each call that ended. */
  readonly onCallEnded: () => void;
}

interface DriveOptions extends WithUsOptions {
  readonly clock: SimulatedClock;
  readonly pipeline: ReplayedPipeline;
  readonly scripts: Map<string, Script>;
}

/** Turns of the event loop after which everything that was set off at a moment has come to rest: the pipeline's own promises, and a booking at the end of a turn. */
const turnsToRest = 3;
/** Turns without anything happening after which a replay is taken to hang. */
const turnsToDespair = 10_000;

/**
 * Drives the traffic through the pipeline on simulated time: calls that overlap in the record overlap here.
 * @throws EconomizerError `ECO_INTERNAL` if a call never ends.
 */
export async function runWithUs(options: WithUsOptions): Promise<WithUs> {
  const clock = new SimulatedClock(options.startMs);
  const rows: LedgerRow[] = [];
  const scripts = new Map<string, Script>();
  const signals = new Signals();
  signals.on('call-ended', ({ row }) => rows.push(row as LedgerRow));
  const pipeline = await options.openPipeline({
    clock,
    signals,
    upstream: new SimulatedProvider({
      brain: new BillingBrain(options),
      clock,
      scriptOf: (id) => scripts.get(id),
    }),
  });
  const drive = new Drive({ ...options, clock, pipeline, scripts });
  try {
    await drive.run();
  } finally {
    await pipeline.close();
  }
  return { rows, answersChanged: drive.answersChanged };
}

/** The event loop of simulated time: the next call, or the next thing that somebody waits for, whichever is sooner. */
class Drive {
  readonly #options: DriveOptions;
  #inFlight = 0;
  #failure: { readonly cause: unknown } | undefined;
  answersChanged = 0;

  constructor(options: DriveOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { agenda, clock } = this.#options;
    let idleTurns = 0;
    while (agenda.size > 0 || this.#inFlight > 0) {
      const at = Math.min(agenda.nextAt() ?? Infinity, clock.nextAt() ?? Infinity);
      idleTurns = at === Infinity ? idleTurns + 1 : 0;
      if (idleTurns > turnsToDespair)
        throw new EconomizerError('ECO_INTERNAL', 'A call never ends.');
      if (at !== Infinity) clock.advanceTo(at);
      while ((agenda.nextAt() ?? Infinity) <= clock.now()) this.#start(agenda.take()!.item);
      for (let turn = 0; turn < turnsToRest; turn++) await nextTurn();
      if (this.#failure !== undefined) throw this.#failure.cause;
    }
  }

  #start(planned: PlannedCall): void {
    this.#inFlight++;
    this.#carryThrough(planned)
      .catch((cause: unknown) => {
        this.#failure = { cause };
      })
      .finally(() => {
        this.#inFlight--;
        this.#options.onCallEnded();
      });
  }

  async #carryThrough(planned: PlannedCall): Promise<void> {
    const { agenda, clock, pipeline, scripts } = this.#options;
    const { recorded, session, next } = planned;
    if (next !== undefined && !session.chained) agenda.add(next.dueAt, next);
    scripts.set(planned.id, planned);
    const reply = await pipeline.run(callOf(planned, clock));
    const answer = await answerIn(reply, recorded.dialect);
    scripts.delete(planned.id);
    if (answer === undefined || !saysTheSame(recorded.dialect, recorded.answer, answer)) {
      this.answersChanged++;
    }
    if (next !== undefined && session.chained) {
      agenda.add(Math.max(next.dueAt, clock.now()), next);
    }
  }
}
