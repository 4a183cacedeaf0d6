import type { TurnGroup } from './groups.ts';

/** Items that may be removed together, and leave a history in which who speaks after whom is as it could have been. */
export interface RemovableUnit {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/**
 * What may be removed of a history: an exchange by itself, or a whole round (the user's words and everything up to the user's next).
 * Never: system messages, the user's first words, what carries the client's mark, and anything of the round that is
 * under way but its exchanges without reasoning, since providers want the reasoning of the current round back.
 * @param before items from this index on stay.
 */
export function removableUnits(groups: readonly TurnGroup[], before: number): RemovableUnit[] {
  const current = groups.findLastIndex(({ words }) => words);
  const units: RemovableUnit[] = [];
  for (const [index, { kind, signed, marked, words, from, to }] of groups.entries()) {
    if (kind !== 'exchange' || marked || words || to > before) continue;
    if (!(signed && index > current)) units.push({ from, to });
  }
  const starts = groups.flatMap(({ kind }, index) => (kind === 'user' ? [index] : []));
  for (const [order, start] of starts.entries()) {
    const next = starts[order + 1];
    if (order === 0 || next === undefined) continue;
    const round = groups.slice(start, next);
    const { to } = round.at(-1)!;
    const stays = round.some(({ kind, marked }) => kind === 'pinned' || marked);
    if (!stays && to <= before) units.push({ from: round[0]!.from, to });
  }
  return units;
}
