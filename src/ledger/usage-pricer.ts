import type { Usage } from '../exchange/usage.ts';
import type { NanoUsd } from '../kernel/money.ts';
import { costOf } from './cost.ts';
import type { PriceBook, PriceQuestion } from './price-book.ts';

/** What a usage costs by a price book; undefined where the price is not known. */
export function usagePricer(
  book: PriceBook,
): (question: PriceQuestion & { readonly usage: Usage }) => NanoUsd | undefined {
  return ({ usage, ...question }) => {
    const price = book.find(question);
    const cost = price === undefined ? undefined : costOf(usage, price);
    // Nobody has spent nine million dollars on a call: such a count says nothing.
    return Number.isSafeInteger(cost) ? cost : undefined;
  };
}
