import Table from 'cli-table3';
import type { EvidenceRecall } from '../context/fitting/evidence/recall.ts';
import { percent } from './replay-table.ts';

export interface NamedRecall extends EvidenceRecall {
  readonly policy: string;
  /** Questions left out because the dialogue does not hold their evidence. */
  readonly skipped: number;
}

/** Evidence recall for people: ours first, then what it stands beside. */
export function recallText(policies: readonly NamedRecall[], budget: number): string {
  const table = new Table({
    head: ['what is kept', 'evidence kept', 'all evidence kept'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { policy, recall, allEvidence } of policies) {
    table.push([policy, percent(recall, 1), percent(allEvidence, 1)]);
  }
  const { questions, skipped } = policies[0]!;
  const left = skipped === 0 ? '' : `; ${skipped} left out, their evidence is not in the dialogue`;
  const title = `${questions.toLocaleString('en-US')} questions at ${budget.toLocaleString('en-US')} tokens${left}.`;
  return [title, '', table.toString()].join('\n');
}
