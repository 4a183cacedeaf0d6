import type { RankedUnit } from '../gate/plan.ts';
import type { RemovableUnit } from '../turns/removable.ts';
import { relevanceOver } from './relevance.ts';

/** How much each unit has to do with a question: as much as the most relevant of its items. The texts are those of all items. */
export function rankUnits(
  units: readonly RemovableUnit[],
  texts: readonly string[],
  question: string,
): RankedUnit[] {
  const relevance = relevanceOver(texts.map((text) => ({ text })))(question);
  return units.map(({ from, to }) => ({
    from,
    to,
    relevance: Math.max(...relevance.subarray(from, to)),
  }));
}
