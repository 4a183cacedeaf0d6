import type { Call } from '../exchange/call.ts';
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
    }
  /** No bound can be given; `why` is a short token. */
  | { readonly kind: 'unbounded'; readonly why: UnboundedReason };

/** Why nothing can be said of what a call can cost. */
export type UnboundedReason =
  | 'price-unknown'
  | 'output-unknown' // no cap, and no list says how much the model writes
  | 'stored-input' // input that the provider keeps: files, prompts, earlier responses
  | 'remote-input' // input that the provider fetches
  | 'media-input' // audio, video and the like, whose tokens do not follow from their bytes
  | 'server-tool' // tools that the provider runs as often as it likes
  | 'opaque-path' // a path that passes untouched
  | 'unread'; // the body was not read

export interface Bounds {
  /** What one attempt can cost at most. Every upstream send is one attempt and has a hold of its own, so attempts are no factor here. */
  boundOf(call: Call): CostBound;
  /** The call with this output cap in its body, by splice; all else untouched. */
  capped(call: Call, tokens: number): Call;
}
