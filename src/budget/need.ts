import type { NanoUsd } from '../kernel/money.ts';
import { amountAt, type CostBound } from './cost-bound.ts';

/**
 * What happens to the output of a call that a hard budget has too little left for: `model-maximum` holds what the model can write at most where
 * the caller sets no cap; `clamp` caps it to what is left; `wait` waits for others to settle; `refuse` takes only calls that set a cap.
 */
export type OutputMode = 'model-maximum' | 'clamp' | 'wait' | 'refuse';

/** What to hold for an attempt. */
export interface Need {
  readonly amount: NanoUsd;
  /** Less will do, down to this, if the output is capped accordingly; undefined: all or nothing. */
  readonly atLeast: NanoUsd | undefined;
  /** The cap to send upstream where all of `amount` is held; undefined: the call has its own, or needs none. */
  readonly cap: number | undefined;
}

type Bounded = Extract<CostBound, { kind: 'bounded' }>;

/** @param leastTokens a clamped answer may have so many tokens at least. */
export function needOf(bound: Bounded, mode: OutputMode, leastTokens: number): Need {
  const { outputCap, capSetBy, leastCap = 1 } = bound;
  const least = Math.max(leastTokens, leastCap);
  const canClamp = mode === 'clamp' && capSetBy !== 'none' && outputCap > least;
  return {
    amount: amountAt(bound, outputCap),
    atLeast: canClamp ? amountAt(bound, least) : undefined,
    cap: capSetBy === 'model' ? outputCap : undefined,
  };
}

/** Tokens of output that a hold of this amount covers. */
export function tokensWithin(bound: Bounded, amount: NanoUsd): number {
  const { fixed, picoPerOutputToken, outputCap } = bound;
  if (picoPerOutputToken <= 0) return outputCap;
  return Math.min(outputCap, Math.floor(((amount - fixed) * 1000) / picoPerOutputToken));
}
