import type { RankedTurn } from './relevance.ts';

/** A turn that may be kept or left out. */
export interface SizedTurn extends RankedTurn {
  readonly tokens: number;
}

/** Of the budget, what goes to the newest turns whatever they are about: what was said last is what is being talked of. */
const recentShare = 0.02;

/**
 * Of two turns that are as relevant, the shorter leaves more room for others. The fourth root is weak on purpose: BM25 has
 * discounted long texts once already.
 */
const roomWeight = 0.25;

/**
 * Which turns to keep of a conversation, so that they are at most `budget` tokens together: the newest few, then the most
 * relevant for the room that they take, the newer of equals first. Ascending indexes.
 */
export function selectTurns(
  turns: readonly SizedTurn[],
  relevance: Float64Array,
  budget: number,
): number[] {
  const kept = new Set<number>();
  let left = budget;
  const keep = (index: number): void => {
    kept.add(index);
    left -= turns[index]!.tokens;
  };
  const reserve = budget * (1 - recentShare);
  for (let index = turns.length - 1; index >= 0; index--) {
    if (left - turns[index]!.tokens < reserve) break;
    keep(index);
  }
  const worth = turns.map(
    ({ tokens }, index) => relevance[index]! / Math.max(1, tokens) ** roomWeight,
  );
  const order = [...turns.keys()].sort((one, other) => worth[other]! - worth[one]! || other - one);
  for (const index of order) {
    if (!kept.has(index) && turns[index]!.tokens <= left) keep(index);
  }
  return [...kept].sort((one, other) => one - other);
}
