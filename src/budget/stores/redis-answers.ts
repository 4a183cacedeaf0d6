import type { Balance, OpenHold } from '../store.ts';

type HoldRecord = readonly [OpenHold['state'], string, string, string, string, string[]];

/** Accounts with what is spent and held on them, one after the other. */
export function balancesIn(words: readonly string[]): readonly Balance[] {
  const balances: Balance[] = [];
  for (let index = 0; index < words.length; index += 3) {
    const [account, spent, held] = words.slice(index, index + 3) as [string, string, string];
    balances.push({ account, spent: Number(spent), held: Number(held) });
  }
  return balances;
}

/** Fields of a hash with their values; the first word is how it went. */
export function pairs(words: readonly string[]): [string, string][] {
  return words.flatMap((name, index) => (index % 2 === 1 ? [[name, words[index + 1]!]] : []));
}

/** The hash of the holds. */
export function holdsIn(words: readonly string[]): readonly OpenHold[] {
  return pairs(words).map(([id, text]) => {
    const [state, amount, , owner, , accounts] = JSON.parse(text) as HoldRecord;
    return { id, amount: Number(amount), accounts, owner, state };
  });
}
