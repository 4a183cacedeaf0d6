import type { DialectName } from '../../exchange/dialect.ts';
import { itemsOf, membersOf, type Span } from '../../kernel/json-members.ts';
import type { Edit } from '../../kernel/splice.ts';
import type { LaidOut } from '../layout.ts';
import { regionOf } from '../layout.ts';
import { isSystemRole, roleAt } from '../static-part.ts';
import { changedShapes, cutLines, rawLines } from './volatile-lines.ts';

const quote = 0x22;
const brace = 0x7b;
const bracket = 0x5b;

/** What a repair takes out of the system prompt. */
export interface Repair {
  readonly edits: readonly Edit[];
  /** The lines, as they stood in the JSON text. */
  readonly lines: readonly string[];
}

/** Texts of a request's system prompt, wherever its dialect keeps them. */
function systemTexts({ body, layout }: LaidOut): Span[] {
  const texts: Span[] = [];
  for (const item of regionOf(layout, 'system')?.items ?? []) texts.push(...textsIn(body, item));
  for (const item of regionOf(layout, 'messages')?.items ?? []) {
    if (!isSystemRole(roleAt(body, item.start))) break;
    texts.push(...textsIn(body, item));
  }
  return texts;
}

function textsIn(body: Buffer, item: Span): Span[] {
  if (body[item.start] === quote) return [item];
  if (body[item.start] !== brace) return [];
  const members = membersOf(body, item.start);
  const content = members.find(({ name }) => name === 'content' || name === 'text');
  if (content === undefined) return [];
  if (body[content.start] !== bracket) return [content];
  return itemsOf(body, content.start).flatMap((part) => textsIn(body, part));
}

/**
 * Learns which lines of the system prompt change from call to call: from two requests of one conversation, or of two
 * conversations of one agent, where only a time tells a template from another task.
 */
export function learnVolatile(
  earlier: LaidOut,
  now: LaidOut,
  shapes: Set<string>,
  isSameConversation: boolean,
): void {
  const before = systemTexts(earlier);
  const after = systemTexts(now);
  if (before.length !== after.length) return;
  for (const [index, text] of after.entries()) {
    const was = rawLines(earlier.body, before[index]!);
    for (const shape of changedShapes(was, rawLines(now.body, text), isSameConversation)) {
      if (shapes.size < 16) shapes.add(shape);
    }
  }
}

/** Takes the lines of these shapes out of the system prompt. */
export function cutVolatile(request: LaidOut, shapes: ReadonlySet<string>): Repair {
  const edits: Edit[] = [];
  const lines: string[] = [];
  if (shapes.size === 0) return { edits, lines };
  for (const text of systemTexts(request)) {
    const found = cutLines(rawLines(request.body, text), shapes);
    const rest = text.end - text.start - 2;
    const cut = found.edits.reduce((sum, { start, end }) => sum + end - start, 0);
    // A text that is nothing but such lines stays: an empty one may be refused.
    if (cut === 0 || cut >= rest) continue;
    edits.push(...found.edits);
    lines.push(...found.cut);
  }
  return { edits, lines };
}

/**
 * Puts the lines behind everything else, as one more message; undefined where the dialect has no place for one behind the last.
 * Anthropic takes a second message of the user as part of the turn before it.
 */
export function appendLines(
  dialect: DialectName,
  request: LaidOut,
  lines: readonly string[],
): Edit | undefined {
  const { body, layout } = request;
  const messages = regionOf(layout, 'messages')!;
  const last = messages.items.at(-1)!;
  if (messages.member.items === undefined || body[last.start] !== brace) return undefined;
  const role = roleAt(body, last.start);
  const isAnthropic = dialect === 'anthropic-messages';
  if (isAnthropic && role !== 'user') return undefined;
  const text = lines.join('\\n');
  const speaker = isAnthropic ? 'user' : (systemRole(request) ?? 'system');
  const message = `,{"role":"${speaker}","content":"${text}"}`;
  return { start: last.end, end: last.end, bytes: Buffer.from(message, 'latin1') };
}

function systemRole({ body, layout }: LaidOut): string | undefined {
  if (regionOf(layout, 'system') !== undefined) return 'developer';
  const first = regionOf(layout, 'messages')!.items[0]!;
  const role = roleAt(body, first.start);
  return isSystemRole(role) ? role : undefined;
}
