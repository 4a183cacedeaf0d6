import { billedAtMost } from '../budget/billed.ts';
import type { CostBound } from '../budget/cost-bound.ts';
import type { Held } from '../budget/walls.ts';
import type { BudgetPart } from '../exchange/account.ts';
import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { NanoUsd } from '../kernel/money.ts';
import { isUnsent } from './unsent.ts';

/** An attempt that something is held for. */
export interface Attempt {
  readonly held: Held;
  readonly bound: Bound;
  readonly part: BudgetPart;
  /** Output cap to send, in tokens; undefined: the request goes out as it is. */
  readonly cap: number | undefined;
}

export type Bound = Exclude<CostBound, { kind: 'free' }>;

/**
 * What an answer is charged that came whole. Providers bill no error; what is not known, or only estimated, is charged at its bound.
 * @param bytes its length, where it is no stream that was counted: a token is one byte at least.
 */
export function chargeOf(call: Call, { status }: Reply, attempt: Attempt, bytes?: number): NanoUsd {
  if (status >= 400) return 0;
  const { costNanos, usageSource } = call.account;
  if (costNanos === undefined) return attempt.held.amount;
  if (usageSource !== 'estimated') return costNanos;
  return Math.max(costNanos, atMost(call, attempt, bytes));
}

/** What can have been billed at most for what came. */
export function atMost(call: Call, { held, bound, part }: Attempt, bytes?: number): NanoUsd {
  if (bound.kind === 'unbounded') return held.amount;
  const { outputAtMost, outputTold } = part.counting ?? {};
  return billedAtMost(call, {
    bound,
    hold: held.amount,
    outputAtMost: outputAtMost === undefined ? bytes : outputAtMost(),
    isTold: outputTold?.() !== undefined,
  });
}

/** True for what surely costs nothing: it was not sent, or somebody else's page came in place of an answer. */
export function isUnbilled({ account }: Call, error: unknown): boolean {
  const { code } = EconomizerError.from(error);
  return (
    isUnsent(account, code) || (code === 'ECO_UPSTREAM_NOT_API' && account.status !== undefined)
  );
}
