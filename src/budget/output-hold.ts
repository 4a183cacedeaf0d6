import type { Call } from '../exchange/call.ts';
import type { OutputHold } from '../exchange/output-hold.ts';
import type { CostBound } from './cost-bound.ts';

/**
 * What a stream is counted against whose answers may have `cap` tokens each; undefined where its output is not billed by the token.
 * @param ignoresCaps the provider is known to write more than the cap that it is sent.
 */
export function outputHold(
  call: Call,
  bound: CostBound,
  cap: number,
  ignoresCaps = false,
): OutputHold | undefined {
  const spend = call.facts?.spend;
  if (bound.kind !== 'bounded' || bound.capSetBy === 'none' || spend === undefined)
    return undefined;
  return {
    tokensMax: cap * spend.terms.answers,
    cutWhen: ignoresCaps ? 'perhaps' : 'surely',
    inputTokens: spend.tokens,
    seen: undefined,
  };
}
