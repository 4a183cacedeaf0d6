import { bodySpans, memberNamed, type BodyMember } from '../../kernel/json-spans.ts';
import { splice, type Edit } from '../../kernel/splice.ts';
import type { CarePlan } from '../care-plan.ts';
import { neverGap, type Habits } from '../habits.ts';
import type { CacheTerms } from '../terms.ts';

/** Pauses that must have been seen before anything is wagered on them. */
const seenEnough = 8;

/**
 * What reading a prefix again is expected to gain, as a multiple of its price as fresh input; not more than 0: let it go. `read` says
 * how often it was read again since the last call. The pause may end in any later window of the prefix's time: every window costs a
 * read if the pause lasts until then, and saves writing the prefix anew if it ends there.
 */
export function warmGain(habits: Habits, terms: CacheTerms, read: number, limit: number): number {
  const { gaps } = habits;
  const seen = gaps.reduce((sum, count) => sum + count, 0);
  if (seen < seenEnough) return 0;
  const { fresh, read: readRate, write } = terms.rates;
  const cost = readRate / fresh;
  const saved = (write - readRate) / fresh;
  let left = 0;
  for (let window = read; window <= neverGap; window++) left += gaps[window]!;
  left -= gaps[read]!; // those that ended in this window have called again already
  let best = 0;
  let gain = 0;
  const start = left;
  for (let window = read + 1; window < Math.min(neverGap, read + 1 + limit); window++) {
    gain += gaps[window]! * saved - left * cost;
    left -= gaps[window]!;
    best = Math.max(best, gain);
  }
  return start === 0 ? 0 : best / start;
}

/**
 * When a prefix must be read again at the latest, wall time; undefined where the provider holds nothing, or holds it for its longer time,
 * which was paid for to be spared this.
 */
export function warmUntil({ thread, terms }: CarePlan): number | undefined {
  const expiresAt = thread.held[0]?.expiresAt;
  if (expiresAt === undefined || terms === undefined) return undefined;
  return expiresAt - (thread.warmedAt ?? thread.at) > terms.ttlMs ? undefined : expiresAt;
}

/**
 * The request that reads the prefix again and writes as little as may be; undefined where it cannot be made of this one: with thinking, which
 * needs room, or several answers.
 */
export function warmBody(body: Buffer): Buffer | undefined {
  const spans = bodySpans(body);
  const named = (name: string): BodyMember | undefined => memberNamed(spans, name);
  if (named('thinking') ?? named('stream_options') ?? named('n')) return undefined;
  const room = named('max_tokens') ?? named('max_completion_tokens') ?? named('max_output_tokens');
  const edits: Edit[] = [];
  // OpenAI's responses take no fewer than 16.
  const least = room?.name === 'max_output_tokens' || named('input') !== undefined ? '16' : '1';
  if (room !== undefined) edits.push(value(room, least));
  else {
    const { end } = spans.members.at(-1)!;
    const name = named('input') === undefined ? 'max_completion_tokens' : 'max_output_tokens';
    edits.push({ start: end, end, bytes: Buffer.from(`,"${name}":${least}`) });
  }
  const stream = named('stream');
  if (stream !== undefined) edits.push(value(stream, 'false'));
  return splice(body, edits);
}

function value({ start, end }: BodyMember, text: string): Edit {
  return { start, end, bytes: Buffer.from(text) };
}
