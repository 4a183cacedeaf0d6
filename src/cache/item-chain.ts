import { digestOf } from '../kernel/digest.ts';

/** Letters that wait before they are hashed for good: what waits is hashed again with each turn. */
const foldLength = 1024;

/**
 * The canonical forms of a list's items, condensed as they come: whenever enough of them wait, they are hashed together with the hash
 * so far. What results depends on the items alone, not on how many came at a time, so the next turn of a conversation goes on from where
 * the last one ended. Unlike a hash object it is two texts: nothing to copy, nothing for the garbage collector to finalise.
 */
export interface ItemChain {
  /** Of all items that are folded in; empty before the first fold. */
  readonly digest: string;
  /** Forms of the items behind them. */
  readonly pending: string;
  readonly count: number;
}

export const emptyChain: ItemChain = { digest: '', pending: '', count: 0 };

/** The chain with items behind it, given as their canonical forms. */
export function extendChain(chain: ItemChain, forms: readonly string[]): ItemChain {
  let { digest, pending } = chain;
  for (const form of forms) {
    pending += form;
    if (pending.length < foldLength) continue;
    digest = digestOf(`${digest}|${pending}`);
    pending = '';
  }
  return { digest, pending, count: chain.count + forms.length };
}
