import type { PicoUsdPerToken } from '../kernel/money.ts';
import type { Rates } from './model-price.ts';
import type { PriceBook, PriceQuestion } from './price-book.ts';

/** The most that a class of tokens can cost, pico-dollars. */
export interface Dearest {
  readonly input: PicoUsdPerToken;
  readonly output: PicoUsdPerToken;
  /** For one search. */
  readonly search: PicoUsdPerToken;
}

export interface DearestQuestion extends PriceQuestion {
  /** Input tokens at most: up to so many, any tier of length may apply. */
  readonly inputTokens: number;
  /** Prompt-cache writes that live longer than usual may be among the input. */
  readonly longWrites: boolean;
}

/**
 * The dearest rates that a call can be billed at, whatever of its input is cached, written or spoken, whatever of its output is
 * reasoning, and whichever of the tiers serves that the provider may choose. Undefined where a price is not known.
 */
export function dearestRates(book: PriceBook): (question: DearestQuestion) => Dearest | undefined {
  return (question) => {
    let dearest: Dearest | undefined;
    for (const serviceTier of tiersOf(question)) {
      const price = book.find({ ...question, serviceTier });
      if (price === undefined) return undefined;
      dearest = dearer(dearest, price.base, question.longWrites);
      for (const { above, rates } of price.longContext) {
        if (question.inputTokens > above) dearest = dearer(dearest, rates, question.longWrites);
      }
    }
    return dearest;
  };
}

const standardOnly: readonly (string | undefined)[] = [undefined];
/** A project of OpenAI's may be set to priority, and requests that do not say otherwise follow it. */
const projectsChoice: readonly (string | undefined)[] = [undefined, 'priority'];
const leavesChoice = new Set<string | undefined>([undefined, 'auto']);
const standardNames = new Set(['default', 'standard', 'standard_only', 'auto', 'on_demand']);

/** Tiers that may serve. A provider may fall back to the standard one from any other. */
function tiersOf({ provider, serviceTier }: PriceQuestion): readonly (string | undefined)[] {
  if (provider === 'openai' && leavesChoice.has(serviceTier)) return projectsChoice;
  if (serviceTier === undefined || standardNames.has(serviceTier)) return standardOnly;
  return [undefined, serviceTier];
}

function dearer(known: Dearest | undefined, rates: Rates, longWrites: boolean): Dearest {
  return {
    input: Math.max(
      known?.input ?? 0,
      rates.fresh,
      rates.cacheRead,
      rates.cacheWrite5m,
      longWrites ? rates.cacheWrite1h : 0,
      rates.audioInput,
    ),
    output: Math.max(known?.output ?? 0, rates.output, rates.reasoning, rates.audioOutput),
    search: Math.max(known?.search ?? 0, rates.webSearches),
  };
}
