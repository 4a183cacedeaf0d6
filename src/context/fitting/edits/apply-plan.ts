import type { Plan } from '../gate/plan.ts';
import type { Situation } from '../question.ts';
import { removal, resultSpan, withReplacement } from './history-edits.ts';
import { placeholderFor, placeholderTokens } from './placeholder.ts';

/** A conversation whose items can be found and sized; sizes without the model's factor. */
export type Editable = Pick<Situation, 'conversation' | 'body' | 'spans' | 'reader' | 'tokensOf'>;

/** Makes a plan's edits part of the conversation, for this call and all that come. */
export function applyPlan(plan: Plan, situation: Editable): void {
  const { conversation } = situation;
  for (const index of plan.mask) mask(index, situation);
  for (const { from, to } of plan.remove) {
    for (let index = from; index < to; index++) {
      const known = conversation.items[index]!;
      conversation.edits.set(index, removal);
      known.gone = true;
      known.removedTokens = Infinity;
    }
  }
  conversation.batches.push({
    edits: plan.edits,
    atCall: conversation.calls + 1,
    removedTokens: plan.cut.removed,
    keptBefore: plan.cut.before,
    predicted: plan.saving,
    realised: 0,
  });
}

function mask(index: number, situation: Editable): void {
  const { conversation, body, spans, reader } = situation;
  const known = conversation.items[index]!;
  const { start, end } = spans[index]!;
  const bytes = body.subarray(start, end);
  let edit = conversation.edits.get(index);
  let bytesOut = 0;
  let count = 0;
  for (const { block, plain, characters: length } of known.item.observations) {
    const span = plain ? resultSpan(bytes, reader, block) : undefined;
    if (span === undefined) continue;
    const text = JSON.stringify(placeholderFor(length));
    edit = withReplacement(edit, block, { ...span, bytes: Buffer.from(text) });
    bytesOut += span.end - span.start;
    count++;
  }
  if (edit === undefined) return;
  conversation.edits.set(index, edit);
  known.gone = true;
  const share = bytesOut / known.bytes;
  known.removedTokens = Math.max(0, situation.tokensOf(known) * share - count * placeholderTokens);
}
