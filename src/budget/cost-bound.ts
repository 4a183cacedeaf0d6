import type { Call } from '../exchange/call.ts';
import type { OpenPart } from '../exchange/spend.ts';
import type { NanoUsd } from '../kernel/money.ts';

/** What one attempt of a call can cost at most, by the price book. */
export type CostBound =
  /** The provider bills nothing for it: token counting, model lists, whatever only looks or removes. */
  | { readonly kind: 'free' }
  | {
      readonly kind: 'bounded';
      /** All that the output cap does not change: input, images, server tools. */
      readonly fixed: NanoUsd;
      /** Pico-dollars for each token of the cap: the dearest output rate, times the answers asked for. */
      readonly picoPerOutputToken: number;
      /** Tokens of output for each answer: the caller's cap, else the most that the model writes. */
      readonly outputCap: number;
      /** `none`: this API has no output that is billed by the token (embeddings). */
      readonly capSetBy: 'caller' | 'model' | 'none';
      /** A smaller cap would make the request invalid: thinking has a budget within it. Undefined: 1. */
      readonly leastCap?: number | undefined;
    }
  /** No bound can be given; `why` is a short token. */
  | { readonly kind: 'unbounded'; readonly why: UnboundedReason };

/** Why nothing can be said of what a call can cost. */
export type UnboundedReason =
  | OpenPart
  | 'opaque-path' // a path that passes untouched
  | 'unread'; // the body was not read

export interface Bounds {
  /** What one attempt can cost at most. Every upstream send is one attempt and has a hold of its own, so attempts are no factor here. */
  boundOf(call: Call): CostBound;
  /**
   * The call with this output cap in its body, by splice; all else untouched. A smaller cap of the caller's stays.
   * @throws EconomizerError `ECO_INTERNAL` for a cap below `leastCap`.
   */
  capped(call: Call, tokens: number): Call;
}

/** What a call with this bound costs at most if each of its answers has at most `cap` tokens. */
export function amountAt(bound: Extract<CostBound, { kind: 'bounded' }>, cap: number): NanoUsd {
  const output = Math.ceil((bound.picoPerOutputToken * cap) / 1000);
  return Math.min(Number.MAX_SAFE_INTEGER, bound.fixed + output);
}
