import type { Clock } from '../../kernel/clock.ts';
import { Breaker } from '../../kernel/breaker.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { RedisLink, RedisReply, RedisScript } from '../../services/redis.ts';

export interface RedisAsk {
  readonly link: RedisLink;
  readonly clock: Clock;
  /** For each act, in milliseconds. */
  readonly deadlineMs: number;
  readonly failuresMax: number;
  readonly coolDownMs: number;
}

/** Asks Redis, never longer than the deadline, and not at all for a while after some failures in a row. */
export class RedisAsker {
  readonly #options: RedisAsk;
  readonly #breaker: Breaker;

  constructor(options: RedisAsk) {
    this.#options = options;
    this.#breaker = new Breaker(options);
  }

  /**
   * @throws EconomizerError `ECO_BUDGET_STORE`; then the act may have been done all the same if it is `Unanswered`.
   */
  async ask(
    script: RedisScript,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<readonly string[]> {
    if (!this.#breaker.mayTry()) {
      throw storeFault('Redis has just failed several times; it is tried again soon.');
    }
    try {
      const { link, deadlineMs } = this.#options;
      const reply = await link.script(script, keys, args, deadlineMs);
      this.#breaker.succeeded();
      return textsOf(reply);
    } catch (error) {
      this.#breaker.failed();
      throw new Unanswered(error);
    }
  }
}

/** Redis was asked and did not answer, or said no. */
export class Unanswered extends EconomizerError {
  constructor(cause: unknown) {
    super(
      'ECO_BUDGET_STORE',
      `The store of the budgets cannot be asked: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

export function storeFault(reason: string, cause?: unknown): EconomizerError {
  const message = `The store of the budgets cannot be asked: ${reason}`;
  return new EconomizerError('ECO_BUDGET_STORE', message, cause === undefined ? {} : { cause });
}

function textsOf(reply: RedisReply): readonly string[] {
  if (!Array.isArray(reply)) throw storeFault('it answered with something else than a list.');
  return reply.map(String);
}
