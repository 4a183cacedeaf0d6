import type { PicoUsdPerToken } from '../kernel/money.ts';
import { ratesFor } from './model-price.ts';
import { prefixRules, type PrefixRules } from './prefix-rules.ts';
import type { PriceBook } from './price-book.ts';

/** The rules of a provider's prompt cache with what it asks for each class of input. */
export interface PricedCacheRules extends Pick<PrefixRules, 'mode' | 'minTokens' | 'ttlMs'> {
  readonly ttlLongMs: number | undefined;
  readonly maxBreakpoints: number | undefined;
  readonly rates: {
    readonly fresh: PicoUsdPerToken;
    readonly read: PicoUsdPerToken;
    /** What is written costs as much as fresh input where writing has no price of its own. */
    readonly write: PicoUsdPerToken;
    readonly writeLong: PicoUsdPerToken;
  };
}

/** Undefined where the price or a rate that decides is not published but assumed: whoever wagers on it would wager blindly. */
export function pricedCacheRules(
  book: PriceBook,
  question: {
    readonly provider: string;
    readonly model: string;
    readonly at: number;
    readonly inputTokens: number;
  },
): PricedCacheRules | undefined {
  const { provider, model, at, inputTokens } = question;
  const price = book.find({ provider, model, at });
  if (price === undefined) return undefined;
  const rules = prefixRules(provider, model);
  const rates = ratesFor(price, inputTokens);
  if (rules.mode !== 'none' && price.assumed.includes('cacheRead')) return undefined;
  if (rules.writeCharged && price.assumed.includes('cacheWrite5m')) return undefined;
  // Without a price for the longer time only the shorter is on offer.
  const hasLong = rules.writeCharged && !price.assumed.includes('cacheWrite1h');
  const write = rules.writeCharged ? rates.cacheWrite5m : rates.fresh;
  return {
    mode: rules.mode,
    minTokens: rules.minTokens,
    ttlMs: rules.ttlMs,
    ttlLongMs: hasLong ? rules.ttlLongMs : undefined,
    maxBreakpoints: rules.maxBreakpoints,
    rates: {
      fresh: rates.fresh,
      read: rates.cacheRead,
      write,
      writeLong: hasLong ? rates.cacheWrite1h : write,
    },
  };
}
