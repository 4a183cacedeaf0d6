import { nanoFromPico, type NanoUsd } from '../kernel/money.ts';
import type { CacheTerms } from './terms.ts';

/**
 * What it costs a conversation to leave its model, provider, region or key: there its prefix is cold and is written (or, where
 * that has no price, worked through) again, while here it would have been read. For routing to add to what a switch seems to save.
 * @param hotTokens what the conversation would read where it is.
 */
export function switchCost(
  hotTokens: number,
  here: CacheTerms,
  there: CacheTerms,
): { readonly once: NanoUsd; readonly stay: NanoUsd } {
  const first = there.mode === 'none' ? there.rates.fresh : there.rates.write;
  const stay = nanoFromPico(hotTokens * here.rates.read);
  return { once: nanoFromPico(hotTokens * first) - stay, stay };
}
