import { ratesAt } from './economics.ts';
import type { Standing } from './saving.ts';

/**
 * How much a conversation should have grown since the last edit before the next one is made, in tokens. Each edit has all
 * that it keeps behind it written anew; each token that waits to be removed is paid for at every call. The optimum between the two is that
 * of order quantities: M = sqrt(2 b P (g + c) / a) with a = r (1 - l) + w l and b = (w - r)(1 - l), where P are the tokens kept at the end,
 * g + c the growth a call and l the share of cold calls (derivation: NousResearch/hermes-agent pull request 62389).
 */
export function batchTokens(standing: Standing, protectedTokens: number): number {
  const { economics, total, growth, coldShare: cold } = standing;
  const { read, write } = ratesAt(economics, total);
  const carrying = read * (1 - cold) + write * cold;
  const editing = (write - read) * (1 - cold);
  return carrying === 0 ? Infinity : Math.sqrt((2 * editing * protectedTokens * growth) / carrying);
}
