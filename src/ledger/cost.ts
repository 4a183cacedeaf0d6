import { inputTokens, type Usage } from '../exchange/usage.ts';
import { nanoFromPico, type NanoUsd } from '../kernel/money.ts';
import { ratesFor, type ModelPrice } from './model-price.ts';

/**
 * What a usage costs in whole nano-dollars: a sum of whole pico-dollars, rounded once. Exact for calls of up to
 * nine thousand dollars. The total of the input, cached or not, decides which rates hold for the whole request.
 */
export function costOf(usage: Usage, price: ModelPrice): NanoUsd {
  const rates = price.longContext.length === 0 ? price.base : ratesFor(price, inputTokens(usage));
  return nanoFromPico(
    usage.fresh * rates.fresh +
      usage.cacheRead * rates.cacheRead +
      usage.cacheWrite5m * rates.cacheWrite5m +
      usage.cacheWrite1h * rates.cacheWrite1h +
      usage.output * rates.output +
      usage.reasoning * rates.reasoning +
      usage.audioInput * rates.audioInput +
      usage.audioOutput * rates.audioOutput +
      usage.webSearches * rates.webSearches,
  );
}

/** True where some of the usage is of a class whose price is not published but assumed: its cost is an upper bound. */
export function restsOnAssumption(usage: Usage, price: ModelPrice): boolean {
  return price.assumed.some((usageClass) => usage[usageClass] > 0);
}
