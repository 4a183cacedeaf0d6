import type { PicoUsdPerToken } from '../kernel/money.ts';
import type { Rates, UsageClass } from './model-price.ts';

/** What a price list says of a model: US dollars per million tokens, undefined where it is silent. */
export interface DollarRates {
  readonly input: number;
  readonly output?: number | undefined;
  readonly cacheRead?: number | undefined;
  readonly cacheWrite5m?: number | undefined;
  readonly cacheWrite1h?: number | undefined;
  readonly reasoning?: number | undefined;
  readonly audioInput?: number | undefined;
  readonly audioOutput?: number | undefined;
  /** US dollars per thousand searches. */
  readonly webSearchPerThousand?: number | undefined;
}

/** Both OpenAI and Anthropic ask 10 dollars per thousand searches. */
const usualWebSearchPerThousand = 10;

/**
 * Rates in whole pico-dollars. Reasoning without a price of its own is output: all providers bill it so. Every other
 * gap is filled with the dearest rate that the class can have, and named in `assumed`, so that costs are
 * never too low and savings that rest on it count as estimated:
 * cache reads and 5-minute writes as input (whoever publishes no price for them asks none beyond it), 1-hour writes
 * as twice the input where writes have a price (Anthropic's rule), audio as text, output as input (embeddings have none).
 */
export function ratesOf(dollars: DollarRates): {
  readonly rates: Rates;
  readonly assumed: readonly UsageClass[];
} {
  const assumed: UsageClass[] = [];
  const known = (
    usageClass: UsageClass,
    given: number | undefined,
    otherwise: PicoUsdPerToken,
  ): PicoUsdPerToken => {
    if (given !== undefined) return picoPerToken(given);
    assumed.push(usageClass);
    return otherwise;
  };
  const fresh = picoPerToken(dollars.input);
  const output = known('output', dollars.output, fresh);
  const cacheWrite5m = known('cacheWrite5m', dollars.cacheWrite5m, fresh);
  const rates: Rates = {
    fresh,
    cacheRead: known('cacheRead', dollars.cacheRead, fresh),
    cacheWrite5m,
    cacheWrite1h: known(
      'cacheWrite1h',
      dollars.cacheWrite1h,
      dollars.cacheWrite5m === undefined ? fresh : Math.max(2 * fresh, cacheWrite5m),
    ),
    output,
    reasoning: dollars.reasoning === undefined ? output : picoPerToken(dollars.reasoning),
    audioInput: known('audioInput', dollars.audioInput, fresh),
    audioOutput: known('audioOutput', dollars.audioOutput, output),
    webSearches: known(
      'webSearches',
      // Per thousand searches instead of per million tokens: a thousand times as much each.
      scaled(dollars.webSearchPerThousand, 1000),
      picoPerToken(usualWebSearchPerThousand * 1000),
    ),
  };
  return { rates, assumed };
}

/** Every rate times `factor`, but for what is billed by the piece: no provider discounts searches with its service tiers. */
export function timesFactor(rates: Rates, factor: number): Rates {
  const times = (rate: PicoUsdPerToken): PicoUsdPerToken => Math.round(rate * factor);
  return {
    fresh: times(rates.fresh),
    cacheRead: times(rates.cacheRead),
    cacheWrite5m: times(rates.cacheWrite5m),
    cacheWrite1h: times(rates.cacheWrite1h),
    output: times(rates.output),
    reasoning: times(rates.reasoning),
    audioInput: times(rates.audioInput),
    audioOutput: times(rates.audioOutput),
    webSearches: rates.webSearches,
  };
}

/** A dollar per million tokens is a million pico-dollars a token; rounding takes away the dust of binary fractions. */
function picoPerToken(dollarsPerMillion: number): PicoUsdPerToken {
  return Math.round(dollarsPerMillion * 1e6);
}

function scaled(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value * by;
}
