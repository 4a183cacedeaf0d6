import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { Standpoint } from '../budget.ts';
import { codeOf } from '../scope.ts';
import type { Awaitable, BudgetStore, HoldVerdict } from '../store.ts';

export interface SessionCallsOptions {
  /** Calls that a session may make. */
  readonly limit: number;
  readonly store: Pick<BudgetStore, 'hold' | 'settle'>;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** A session that pauses for longer begins anew. */
const forgetMs = 7 * 86_400_000;

/**
 * Counts the calls of each session where budgets are counted, a call as one unit, so that all replicas count together and none more than the limit passes.
 * Where the store cannot be asked calls go on: it is money that must not be lost, and that has walls of its own.
 */
export class SessionCalls {
  readonly #options: SessionCallsOptions;
  #isFailing = false;

  constructor(options: SessionCallsOptions) {
    this.#options = options;
  }

  /** Counts a call. @throws EconomizerError `ECO_RUNAWAY` where its session has made all it may. */
  count(callId: string, { tenant, session }: Standpoint): void | Promise<void> {
    if (session === undefined) return undefined;
    const id = `${callId}/calls`;
    try {
      const verdict = this.#hold(id, `${codeOf(tenant)}/${codeOf(session)}`);
      if (verdict instanceof Promise) {
        return verdict.then(
          (given) => this.#judged(id, given),
          (error: unknown) => this.#failed(error),
        );
      }
      return this.#judged(id, verdict);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #hold(id: string, whose: string): Awaitable<HoldVerdict> {
    const { store, limit, clock } = this.#options;
    const account = `{budgets}calls/${whose}@session`;
    const endsAt = clock.now() + forgetMs;
    return store.hold({ id, amount: 1, lines: [{ account, limit, hard: true, endsAt }] });
  }

  #judged(id: string, verdict: HoldVerdict): void | Promise<void> {
    this.#isFailing = false;
    const { limit, store } = this.#options;
    if (!verdict.held) {
      throw new EconomizerError(
        'ECO_RUNAWAY',
        `This session has made ${limit} calls, as many as runaway.calls_per_session allows; begin a new session, or raise the setting.`,
        { details: { calls: limit } },
      );
    }
    const settled = store.settle(id, 1);
    if (!(settled instanceof Promise)) return undefined;
    return settled.then(
      () => {},
      (error: unknown) => this.#failed(error),
    );
  }

  #failed(error: unknown): void {
    if (EconomizerError.is(error) && error.code === 'ECO_RUNAWAY') throw error;
    if (!this.#isFailing) {
      this.#options.signals.emit('part-failed', { part: 'runaway', operation: 'count', error });
    }
    this.#isFailing = true;
  }
}
