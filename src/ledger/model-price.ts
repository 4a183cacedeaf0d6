import type { Usage } from '../exchange/usage.ts';
import type { PicoUsdPerToken } from '../kernel/money.ts';

/** One class of what a provider counts: `fresh`, `cacheRead`, `output`, ... */
export type UsageClass = keyof Usage;

/** A whole number of pico-dollars for one token of each class; for `webSearches` it is for one search. */
export type Rates = Readonly<Record<UsageClass, PicoUsdPerToken>>;

/** Rates for requests whose whole input is longer than `above` tokens. The whole request takes them, not only what lies above. */
export interface PriceTier {
  readonly above: number;
  readonly rates: Rates;
}

/** What a model costs for one provider, moment and service tier. */
export interface ModelPrice {
  /** The name under which the price list knows the model. */
  readonly model: string;
  /** Where the price comes from, for people. */
  readonly provenance: string;
  /** The rates of the shortest requests. */
  readonly base: Rates;
  /** Further rates, the longest requests first; empty for most models. */
  readonly longContext: readonly PriceTier[];
  /** Classes for which no price is published; their rates follow the rule in `rates.ts`. */
  readonly assumed: readonly UsageClass[];
}

/** The rates that hold for a request of so many input tokens, all classes of input together. */
export function ratesFor(price: ModelPrice, inputTokens: number): Rates {
  for (const tier of price.longContext) {
    if (inputTokens > tier.above) return tier.rates;
  }
  return price.base;
}
