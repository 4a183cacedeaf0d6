import type { BodySpans } from '../../kernel/json-spans.ts';
import type { Economics } from './gate/economics.ts';
import type { Conversation } from './memory/conversation.ts';

/** A conversation that we never saw is taken to be hot: to take a hot one for cold would cost its prefix. */
export function isHot(
  { lastAt, seenAt }: Conversation,
  { ttlMs }: Economics,
  now: number,
): boolean {
  const at = lastAt ?? seenAt;
  return at === undefined || now - at < ttlMs;
}

/** Whether the provider's cache is used: what it told last, else whether the request asks for it where it must. */
export function caches(
  conversation: Conversation,
  { ttlMs, asks }: Economics,
  body: Buffer,
): boolean {
  if (ttlMs === 0) return false;
  return conversation.caches ?? (!asks || body.includes('"cache_control"'));
}

/** Both providers' words for their longer time: in marks, or for the request as a whole. */
const longWords = ['"1h"', '"12h"', '"24h"'];

/** Whether this conversation's prefix is held for the longer time: what the provider told, else what the request asks. */
export function asksLong(conversation: Conversation, { long }: Economics, body: Buffer): boolean {
  if (long === undefined) return false;
  conversation.holdsLong ??= longWords.some((word) => body.includes(word));
  return conversation.holdsLong;
}

const roomMembers: ReadonlySet<string> = new Set([
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
]);

/** Tokens that the request asks for its answer. */
export function answerRoom(body: Buffer, { members }: BodySpans): number {
  const member = members.find(({ name }) => name !== undefined && roomMembers.has(name));
  const room = member === undefined ? 0 : Number(body.toString('latin1', member.start, member.end));
  return Number.isFinite(room) ? room : 0;
}
