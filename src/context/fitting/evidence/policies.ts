import { seededRandom } from '../../../kernel/random.ts';
import { relevanceOver } from '../ranking/relevance.ts';
import { selectTurns } from '../ranking/select-turns.ts';
import type { DialogueMessage, KeepPolicy } from './dialogue.ts';

/** What the fitter keeps. */
export const ours: KeepPolicy = ({ messages }) => {
  const relevance = relevanceOver(messages);
  return (question, budget) => selectTurns(messages, relevance(question), budget);
};

/** The newest messages that fit. */
export const keepLast: KeepPolicy = ({ messages }) => {
  const newestFirst = [...messages.keys()].toReversed();
  return (_question, budget) => untilFull(messages, newestFirst, budget);
};

/** Messages drawn by chance. The same seed draws the same. */
export function randomly(seed: number): KeepPolicy {
  return ({ messages }) => {
    const random = seededRandom(seed);
    return (_question, budget) => {
      const drawn = [...messages.keys()].map((index) => ({ index, lot: random.next() }));
      drawn.sort((one, other) => one.lot - other.lot);
      const order = drawn.map(({ index }) => index);
      return fitting(messages, order, budget);
    };
  };
}

const keywords =
  /\b(?:important|critical|error|fail\w*|decision|decided|remember|must|deadline)\b/i;
const recentMessages = 50;

/** A rule that is often seen: the newest fifty messages, then those whose words look important, whatever the question is. */
export const byKeywords: KeepPolicy = ({ messages }) => {
  const recent = [...messages.keys()].toReversed().slice(0, recentMessages);
  const older = [...messages.keys()].slice(0, -recentMessages);
  const important = older.filter((index) => keywords.test(messages[index]!.text)).toReversed();
  return (_question, budget) => fitting(messages, [...recent, ...important], budget);
};

/** In this order, until one does not fit. */
function untilFull(
  messages: readonly DialogueMessage[],
  order: readonly number[],
  budget: number,
): number[] {
  let left = budget;
  const end = order.findIndex((index) => (left -= messages[index]!.tokens) < 0);
  return end < 0 ? order.slice() : order.slice(0, end);
}

/** In this order, those that fit. */
function fitting(
  messages: readonly DialogueMessage[],
  order: readonly number[],
  budget: number,
): number[] {
  let left = budget;
  return order.filter((index) => {
    const fits = messages[index]!.tokens <= left;
    if (fits) left -= messages[index]!.tokens;
    return fits;
  });
}
