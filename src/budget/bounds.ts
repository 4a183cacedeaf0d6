import type { Call } from '../exchange/call.ts';
import { inputBound, type OpenPart, type SpendFacts } from '../exchange/spend.ts';
import type { NanoUsd, PicoUsdPerToken } from '../kernel/money.ts';
import type { Bounds, CostBound, UnboundedReason } from './cost-bound.ts';
import { isFreePath } from './free-paths.ts';
import { tokensPerImage } from './image-tokens.ts';
import { capped } from './output-cap.ts';

/** The dearest rates that a call can be billed at, pico-dollars; undefined where a price is not known. */
export type DearestRates = (question: {
  /** Both as the price book names them. */
  readonly provider: string;
  readonly model: string;
  /** When the call began, milliseconds since the epoch. */
  readonly at: number;
  /** As the request names it. */
  readonly serviceTier: string | undefined;
  /** Input tokens at most: the longest tier that they reach may apply. */
  readonly inputTokens: number;
  /** Prompt-cache writes that live longer than usual may be among the input. */
  readonly longWrites: boolean;
}) =>
  | {
      readonly input: PicoUsdPerToken;
      readonly output: PicoUsdPerToken;
      /** For one search. */
      readonly search: PicoUsdPerToken;
    }
  | undefined;

export interface BoundOptions {
  readonly rates: DearestRates;
  /** Output tokens that a model writes at most where nobody caps it; undefined where no list says. */
  readonly outputLimit: (model: string) => number | undefined;
  /** What a call may be taken to cost beyond what can be bounded, by reason, nano-dollars a call. For `price-unknown`, `opaque-path` and `unread` it stands for the whole call. */
  readonly ceilings?: Partial<Readonly<Record<UnboundedReason, NanoUsd>>> | undefined;
  /** The cap for models of which no list says how much they write. Undefined: such calls need a cap of their own. */
  readonly outputTokens?: number | undefined;
  /** What one search of the provider's may add to the input. Undefined: searches need a ceiling (`server-tool`), even if their number is limited. */
  readonly tokensPerSearch?: number | undefined;
  /** Care may mark prefixes to be kept for the longer time, whose writes are dearer. */
  readonly longWrites?: boolean | undefined;
}

/** Makes what answers the question what a call can cost at most. Asking costs a microsecond or two: the body was read when it was recognised. */
export function createBounds(options: BoundOptions): Bounds {
  return {
    boundOf: (call) => boundOf(call, options),
    capped,
  };
}

const free: CostBound = { kind: 'free' };

function boundOf(call: Call, options: BoundOptions): CostBound {
  const { dialect, facts } = call;
  if (dialect === undefined) return isFreePath(call) ? free : wholeCeiling('opaque-path', options);
  if (dialect.name === 'anthropic-count-tokens') return free;
  const spend = facts?.spend;
  if (facts === undefined || spend === undefined) return wholeCeiling('unread', options);
  return boundOfRead(call, facts.model, spend, options);
}

function boundOfRead(
  call: Call,
  model: string,
  spend: SpendFacts,
  options: BoundOptions,
): CostBound {
  const { terms } = spend;
  const inputTokens = inputOf(call, model, spend, options);
  const rates = options.rates({
    provider: call.provider.priceId,
    model,
    at: call.startedAt,
    serviceTier: call.facts?.serviceTier,
    inputTokens,
    longWrites: terms.longWrites || options.longWrites === true,
  });
  if (rates === undefined) return wholeCeiling('price-unknown', options);
  const unknown = unknownParts(spend, options);
  if (typeof unknown === 'string') return { kind: 'unbounded', why: unknown };
  const searches = terms.searches * rates.search;
  const known = Math.ceil((inputTokens * rates.input + searches) / 1000);
  const fixed = Math.min(Number.MAX_SAFE_INTEGER, known + unknown);
  if (terms.answers === 0) {
    return { kind: 'bounded', fixed, picoPerOutputToken: 0, outputCap: 0, capSetBy: 'none' };
  }
  const output = outputOf(call, model, spend, options);
  if (output === undefined) return { kind: 'unbounded', why: 'output-unknown' };
  const picoPerOutputToken = rates.output * terms.answers;
  return { kind: 'bounded', fixed, picoPerOutputToken, ...output, leastCap: terms.leastCap };
}

/** Input tokens at most. A provider that searches reads all that it has with each search anew. */
function inputOf(call: Call, model: string, spend: SpendFacts, options: BoundOptions): number {
  const sent = (call.body as Uint8Array | undefined)?.length ?? spend.bytes;
  const perImage = spend.images === 0 ? 0 : tokensPerImage(model);
  const once = inputBound(spend, sent, perImage) * tokensPerByte(call);
  const { searches } = spend.terms;
  return (searches + 1) * (once + searches * (options.tokensPerSearch ?? 0));
}

/** Models that embed may normalise their texts first, and the worst character (U+FDFA) is eighteen letters afterwards; all others' tokenizers work on bytes. */
const normalisedPerByte = 11;

function tokensPerByte(call: Call): number {
  const embeds = call.dialect!.name === 'openai-embeddings';
  return embeds && !isOpenAi(call) ? normalisedPerByte : 1;
}

/** The ceilings of what cannot be bounded, summed; the reason where one has none. */
function unknownParts({ terms }: SpendFacts, options: BoundOptions): NanoUsd | OpenPart {
  let sum = 0;
  for (const part of terms.open) {
    if (part === 'server-tool' && terms.searches > 0 && options.tokensPerSearch !== undefined) {
      continue; // its searches are counted
    }
    const ceiling = options.ceilings?.[part];
    if (ceiling === undefined) return part;
    sum += ceiling;
  }
  return sum;
}

function outputOf(
  call: Call,
  model: string,
  { terms }: SpendFacts,
  options: BoundOptions,
): { readonly outputCap: number; readonly capSetBy: 'caller' | 'model' } | undefined {
  const { outputCap, usualCap } = terms;
  if (outputCap !== undefined) return { outputCap, capSetBy: 'caller' };
  if (usualCap !== undefined) {
    // OpenAI keeps to what its documentation says; of others it must be asked for.
    return { outputCap: usualCap, capSetBy: isOpenAi(call) ? 'caller' : 'model' };
  }
  const limit = options.outputLimit(model) ?? options.outputTokens;
  return limit === undefined ? undefined : { outputCap: limit, capSetBy: 'model' };
}

function isOpenAi({ provider }: Call): boolean {
  return provider.priceId === 'openai' || provider.priceId === 'azure';
}

/** A call of which nothing can be said costs its ceiling, whatever it writes. */
function wholeCeiling(
  why: 'opaque-path' | 'unread' | 'price-unknown',
  { ceilings }: BoundOptions,
): CostBound {
  const fixed = ceilings?.[why];
  if (fixed === undefined) return { kind: 'unbounded', why };
  return { kind: 'bounded', fixed, picoPerOutputToken: 0, outputCap: 0, capSetBy: 'none' };
}
