import { BoundedMap } from '../../kernel/bounded-map.ts';
import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { ToolSteps } from '../../exchange/tool-steps.ts';
import type { Standpoint } from '../budget.ts';
import type { DecisionJournal } from '../ladder/decisions.ts';
import { loopIn, loopText, type Loop, type LoopPolicy } from './loops.ts';

export interface LoopWatchOptions {
  readonly policy: LoopPolicy;
  readonly journal: Pick<DecisionJournal, 'record'> | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** The same loop is told of again after so long. */
const againMs = 600_000;
const rememberedLoops = 1000;

/** Looks at the end of each conversation for tool calls that repeat without progress. */
export class LoopWatch {
  readonly #options: LoopWatchOptions;
  readonly #told = new BoundedMap<number>(rememberedLoops);

  constructor(options: LoopWatchOptions) {
    this.#options = options;
  }

  /**
   * @returns what to warn of, such as `loop;times=5`; undefined where there is nothing.
   * @throws EconomizerError `ECO_RUNAWAY` where loops are refused from so many repetitions on.
   */
  judge(standpoint: Standpoint, steps: ToolSteps): string | undefined {
    const { warnAfter, refuseAfter } = this.#options.policy;
    if (steps.length < warnAfter) return undefined;
    const loop = loopIn(steps, warnAfter);
    if (loop === undefined) return undefined;
    const refused = refuseAfter !== undefined && loop.times >= refuseAfter;
    this.#tell(standpoint, { loop, refused, step: steps.at(-1)!.call });
    if (refused) {
      throw new EconomizerError(
        'ECO_RUNAWAY',
        `${loopText(loop)}, so it is stopped (runaway.loops.refuse); change what the agent does next, or raise the setting.`,
        { details: { times: loop.times, tools: loop.tools.join(',').slice(0, 200) } },
      );
    }
    return `loop;times=${loop.times}`;
  }

  #tell(
    { tenant, agent, session }: Standpoint,
    {
      loop,
      refused,
      step,
    }: { readonly loop: Loop; readonly refused: boolean; readonly step: number },
  ): void {
    const { clock, journal, signals } = this.#options;
    const now = clock.now();
    const name = JSON.stringify([tenant, agent, session, loop.tools, step, refused]);
    const before = this.#told.get(name);
    if (before !== undefined && now - before < againMs) return;
    this.#told.set(name, now);
    const { tools, times } = loop;
    journal?.record({ kind: 'loop', at: now, tenant, agent, session, tools, times, refused });
    const end = refused ? 'its calls are refused' : 'nothing is refused';
    signals.emit('runaway', { tenant, agent, session, text: `${loopText(loop)}; ${end}.` });
  }
}
