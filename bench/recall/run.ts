/**
 * `npm run bench:recall -- FILE...`: what each part of the ranking of turns contributes to the evidence that is kept, over all dialogues
 * and for each by itself, so that one that goes against the rest shows. Files as for `economizer eval context`.
 *   --budget N   tokens of turns that are kept (4000)
 */
import { parseArgs } from 'node:util';
import { readDialogue } from '../../src/cli/read-dialogue.ts';
import type { Dialogue, KeepPolicy } from '../../src/context/fitting/evidence/dialogue.ts';
import { RecallTally } from '../../src/context/fitting/evidence/recall.ts';
import { relevanceOver, type Shares } from '../../src/context/fitting/ranking/relevance.ts';
import { selectTurns } from '../../src/context/fitting/ranking/select-turns.ts';
import { loadTokenCount } from '../../src/kernel/token-count.ts';
import { linesOf } from '../../src/replay/lines.ts';

const { values, positionals: files } = parseArgs({
  options: { budget: { type: 'string', default: '4000' } },
  allowPositionals: true,
});

const variants: Readonly<Record<string, Shares>> = {
  'turns alone': { neighbour: 0, session: 0 },
  'with neighbours': { neighbour: 0.5, session: 0 },
  'with sessions': { neighbour: 0, session: 0.5 },
  'with both': { neighbour: 0.5, session: 0.5 },
};

const withShares =
  (shares: Shares): KeepPolicy =>
  ({ messages }) => {
    const relevance = relevanceOver(messages, shares);
    return (question, budget) => selectTurns(messages, relevance(question), budget);
  };

function recallOf(dialogues: readonly Dialogue[], shares: Shares): string {
  const tally = new RecallTally(withShares(shares), Number(values.budget));
  for (const dialogue of dialogues) tally.add(dialogue);
  const { recall, allEvidence } = tally.result();
  return `${(100 * recall).toFixed(1)} / ${(100 * allEvidence).toFixed(1)}`.padStart(16);
}

const count = await loadTokenCount();
const dialogues: Dialogue[] = [];
for (const file of files) {
  for await (const line of linesOf(file, process.stdin)) {
    dialogues.push(readDialogue(line, count).dialogue);
  }
}
console.log('Evidence kept / all evidence kept, percent.\n');
const names = Object.keys(variants);
console.log(['dialogue'.padEnd(10), ...names.map((name) => name.padStart(16))].join(''));
const rows: [string, readonly Dialogue[]][] = dialogues.map((each, index) => [
  `${index + 1}`,
  [each],
]);
for (const [name, some] of [...rows, ['all', dialogues] as const]) {
  const cells = names.map((variant) => recallOf(some, variants[variant]!));
  console.log([name.padEnd(10), ...cells].join(''));
}
