import type { Call } from '../exchange/call.ts';
import type { NanoUsd } from '../kernel/money.ts';
import { amountAt, type CostBound } from './cost-bound.ts';

/** What is known of an answer that broke off. */
export interface Broken {
  readonly bound: Extract<CostBound, { kind: 'bounded' }>;
  /** What is held for the attempt. */
  readonly hold: NanoUsd;
  /** Output tokens at most that were seen, as the stream's meter has them; undefined where nothing was counted. */
  readonly outputAtMost: number | undefined;
  /** The provider told that count itself, hidden reasoning included. */
  readonly isTold: boolean;
}

/** Providers that write on, and bill, after their reader has left (BerriAI/litellm#34147). */
const billOn = new Set(['aws', 'bedrock']);

/** A provider is a little ahead of what arrives here, and stops a little after we left. */
const aheadTokens = 128;

/**
 * What was billed at most of an answer that broke off or whose caller left: never nothing, never more than is held. The input is billed from
 * the first moment. Where part of the output cannot be seen, or the provider writes on without a reader, the whole hold.
 */
export function billedAtMost(call: Call, broken: Broken): NanoUsd {
  const { bound, hold, outputAtMost, isTold } = broken;
  if (outputAtMost === undefined || billOn.has(call.provider.priceId)) return hold;
  if (!isTold && (hidesReasoning(call) || runsOn(call))) return hold;
  return Math.min(hold, amountAt(bound, outputAtMost + aheadTokens));
}

/** A job in the background has hardly begun when its first answer comes. */
function runsOn({ facts }: Call): boolean {
  return facts?.spend?.terms.runsOn === true;
}

/** Models that show all that they write unless they are asked to think. */
const openModel =
  /(?:^|[/.])(?:gpt-4|gpt-3\.5|chatgpt-4o|gpt-5(?:[.-]\d+)?-chat|claude-(?:\d|(?:opus|sonnet|haiku)-[45])|llama|mistral-(?:small|medium|large))/;

/** True where output may be billed that no stream shows; of a model that we do not know that is so. */
function hidesReasoning({ facts }: Call): boolean {
  if (facts?.spend?.terms.thinks !== false) return true;
  return !openModel.test(facts.model.toLowerCase());
}
