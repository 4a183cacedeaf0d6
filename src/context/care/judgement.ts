import { comparePrompts, type Divergence } from '../compare.ts';
import type { Before } from '../care-plan.ts';
import { culpritOf } from '../doctor/culprit.ts';
import type { Cause, Culprit } from '../doctor/cause.ts';
import { regionOf } from '../layout.ts';
import { isSystemRole, roleAt } from '../static-part.ts';
import type { Continued } from '../thread-table.ts';
import type { Held, Thread } from '../thread.ts';
import type { Form } from './normalise.ts';

/** What a request is to the conversation that it was found in. */
export interface Judgement {
  /** Undefined where it is the first of its own. */
  readonly continued: Continued | undefined;
  /** It begins with all that the request before it was. */
  readonly intact: boolean;
  readonly culprit: Culprit | undefined;
}

const stranger: Judgement = { continued: undefined, intact: false, culprit: undefined };

/** Compares what is to leave with what left before. */
export function judge(found: Continued | undefined, bare: Form, isSame: boolean): Judgement {
  if (found === undefined) return stranger;
  const { thread } = found;
  const comparison = isSame ? found.comparison : comparePrompts(thread, bare);
  const continued = { thread, comparison };
  if (comparison.divergence === undefined) return { continued, intact: true, culprit: undefined };
  const culprit = culpritOf(thread, bare, comparison);
  if (culprit === undefined) {
    // Only white space and escapes differ, which no provider sees.
    const whole = { sharedBytes: Infinity, divergence: undefined };
    return { continued: { thread, comparison: whole }, intact: true, culprit };
  }
  return isStranger(continued, bare, culprit) ? stranger : { continued, intact: false, culprit };
}

/**
 * What keeps a first request from sharing the beginning of another conversation of its agent: only what the agent changes without meaning
 * to. Another system prompt or other tools are another task.
 */
export function judgeBeginning(peer: Thread | undefined, bare: Form): Judgement {
  if (peer === undefined) return stranger;
  const comparison = comparePrompts(peer, bare);
  const { divergence } = comparison;
  if (divergence === undefined || isBehindBeginning(bare, divergence)) return stranger;
  const culprit = culpritOf(peer, bare, comparison);
  return culprit !== undefined && accidents.has(culprit.cause)
    ? { ...stranger, culprit }
    : stranger;
}

/** What its user says is every conversation's own. */
function isBehindBeginning({ body, layout }: Form, { region, item }: Divergence): boolean {
  if (region !== 'messages') return false;
  const message = regionOf(layout, 'messages')!.items[item];
  return message === undefined || !isSystemRole(roleAt(body, message.start));
}

const accidents: ReadonlySet<Cause> = new Set([
  'timestamp-in-system',
  'id-in-system',
  'tools-reordered',
  'tools-reserialised',
]);

/**
 * Agents make side calls about the same first words: with another system prompt or other tools, and no longer than the conversation. And
 * two calls at the same time that part in their messages are two branches, not an edit.
 */
function isStranger({ thread }: Continued, bare: Form, { cause }: Culprit): boolean {
  const before = regionOf(thread.layout, 'messages')!.items.length;
  const hasGrown = regionOf(bare.layout, 'messages')!.items.length > before;
  if (cause === 'tool-set-changed' || cause === 'system-edited') return !hasGrown;
  return cause === 'history-edited' && !thread.answered;
}

/** A thread as it was before it goes on. */
export function beforeOf({ thread, comparison }: Continued): Before {
  const { at, provider, model, tokens, held, warmedAt } = thread;
  return { at, provider, model, tokens, held, comparison, isWarmed: warmedAt !== undefined };
}

/** What the provider still has of a thread, the deepest first. */
export function alive(before: Before, at: number, model: string): readonly Held[] {
  if (before.model !== model) return [];
  return before.held.filter(
    ({ bytes, expiresAt }) => bytes <= before.comparison.sharedBytes && at < expiresAt,
  );
}
