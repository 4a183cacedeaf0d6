import { Command, InvalidArgumentError } from 'commander';
import { byKeywords, keepLast, ours, randomly } from '../context/fitting/evidence/policies.ts';
import { RecallTally, type EvidenceRecall } from '../context/fitting/evidence/recall.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { loadTokenCount } from '../kernel/token-count.ts';
import { linesOf } from '../replay/lines.ts';
import { recallText, type NamedRecall } from './eval-context-table.ts';
import { print, printJson } from './output.ts';
import { startProgress } from './progress.ts';
import { readDialogue } from './read-dialogue.ts';

interface Flags {
  readonly budget: number;
  readonly json?: boolean;
}

/** `economizer eval context` */
export function evalContextCommand(): Command {
  return new Command('context')
    .description(
      'How much of the evidence for a question stays when a conversation is fitted into a budget of tokens.',
    )
    .argument('<file...>', 'dialogues as JSON lines, plain, .gz or .zst; - is standard input')
    .requiredOption('--budget <tokens>', 'tokens of turns that may be kept', tokensOf)
    .option('--json', 'print one JSON object')
    .addHelpText('after', form)
    .action(async (files: string[], { budget, json }: Flags) => {
      const policies = await recallOf(files, budget);
      if (json === true) printJson(recallReport(policies[0]!));
      else print(recallText(policies, budget));
    });
}

const form = `
Each line is {"id", "messages": [{"id", "role", "content", "session"?}], "questions": [{"text", "evidence": [message id]}]}
The question is taken as the last message of the user. Tokens are those of OpenAI's current models.`;

/** The seed of the draw, so that everyone gets the same table. */
const seed = 1;

/** Recall of our fitter, first, and of the policies that it stands beside. */
export async function recallOf(files: readonly string[], budget: number): Promise<NamedRecall[]> {
  const tallies = {
    economizer: new RecallTally(ours, budget),
    'newest that fit': new RecallTally(keepLast, budget),
    'by chance': new RecallTally(randomly(seed), budget),
    'newest 50 and keywords': new RecallTally(byKeywords, budget),
  };
  const count = await loadTokenCount();
  const progress = startProgress('dialogues');
  let read = 0;
  let skipped = 0;
  try {
    for (const file of files) {
      for await (const line of linesOf(file, process.stdin)) {
        const { dialogue, unanswerable } = readDialogue(line, count);
        for (const tally of Object.values(tallies)) tally.add(dialogue);
        skipped += unanswerable;
        progress.show(++read, read);
      }
    }
  } finally {
    progress.stop();
  }
  const named = Object.entries(tallies).map(([policy, tally]) =>
    Object.assign({ policy, skipped }, tally.result()),
  );
  if (named[0]!.questions > 0) return named;
  throw new EconomizerError(
    'ECO_FILE',
    `There is no question with evidence in ${files.join(', ')}; each line needs "questions": [{"text", "evidence": [message id]}].`,
  );
}

/** What `eval context --json` prints. The first three names are a contract. */
export function recallReport({ questions, recall, allEvidence }: EvidenceRecall): object {
  return { questions, recall, all_evidence: allEvidence };
}

function tokensOf(text: string): number {
  const tokens = Number(text);
  if (Number.isSafeInteger(tokens) && tokens > 0) return tokens;
  throw new InvalidArgumentError('It must be a whole number of tokens, at least 1.');
}
