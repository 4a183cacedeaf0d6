import { itemsOf, memberSpan, membersOf, type Span } from '../../kernel/json-members.ts';
import { scanJson } from '../../kernel/json-scan.ts';
import { parseJson } from '../../kernel/json.ts';
import { splice, type Edit } from '../../kernel/splice.ts';
import type { LaidOut } from '../layout.ts';
import { sameButForOrder } from '../doctor/likeness.ts';
import { contentOf, regionOf } from '../layout.ts';
import { memberCut } from './without-member.ts';

/** Larger messages are left as they are. */
const readableBytes = 128 * 1024;

/**
 * Puts system blocks and earlier messages back into the text in which they left before, where the client sends the same values with their
 * members in another order. Ends at the first that is really another.
 */
export function stableHistory(
  earlier: LaidOut,
  now: Omit<LaidOut, 'cuts'>,
  markName: string,
): Edit[] {
  const edits: Edit[] = [];
  for (const name of ['system', 'messages'] as const) {
    const before = regionOf(earlier.layout, name);
    const after = regionOf(now.layout, name);
    const count = Math.min(before?.items.length ?? 0, after?.items.length ?? 0);
    for (let index = 0; index < count; index++) {
      const { start: from, end: to } = before!.items[index]!;
      const { start, end } = after!.items[index]!;
      const is = now.body.subarray(start, end);
      if (earlier.body.subarray(from, to).equals(is)) continue;
      const was = Buffer.concat(contentOf(earlier, { start: from, end: to }));
      const bytes = respelled(was, is, markName);
      if (bytes === undefined) return edits;
      edits.push({ start, end, bytes });
    }
  }
  return edits;
}

/** The earlier text with the marks of the present one, which are the client's to place and to move; undefined where the values differ. */
function respelled(was: Buffer, is: Buffer, markName: string): Buffer | undefined {
  const marked = is.includes(`"${markName}"`) ? marksOf(is, markName) : undefined;
  if (!sameValue(was, marked?.bare ?? is)) return undefined;
  // Where the earlier text has no block for a mark, the present one stays.
  return marked === undefined ? was : (withMarks(was, marked.marks) ?? is);
}

function sameValue(one: Buffer, other: Buffer): boolean {
  if (one.length > readableBytes || other.length > readableBytes) return false;
  if (scanJson(one).longNumber || scanJson(other).longNumber) return false;
  const was = parseJson(one.toString('utf8'));
  const is = parseJson(other.toString('utf8'));
  return was !== undefined && is !== undefined && sameButForOrder(was, is);
}

interface BlockMark {
  /** Index of the block in the message's content; undefined for the message itself. */
  readonly block: number | undefined;
  readonly text: string;
}

/** A message without its marks, and where they stood. */
function marksOf(
  message: Buffer,
  name: string,
): { readonly bare: Buffer; readonly marks: readonly BlockMark[] } {
  const marks: BlockMark[] = [];
  const edits: Edit[] = [];
  const cut = (at: number, block: number | undefined): void => {
    const found = message[at] === 0x7b ? memberCut(message, at, name) : undefined;
    if (found === undefined) return;
    edits.push(found.edit);
    marks.push({ block, text: found.text });
  };
  cut(0, undefined);
  for (const [block, { start }] of blocksOf(message).entries()) cut(start, block);
  return { bare: splice(message, edits), marks };
}

/** The message with the marks at the same blocks; undefined where it has not got them. */
function withMarks(message: Buffer, marks: readonly BlockMark[]): Buffer | undefined {
  const blocks = blocksOf(message);
  const edits: Edit[] = [];
  for (const { block, text } of marks) {
    const start = block === undefined ? 0 : blocks[block]?.start;
    const last = start === undefined ? undefined : membersOf(message, start).at(-1);
    if (last === undefined) return undefined;
    edits.push({ start: last.end, end: last.end, bytes: Buffer.from(`,${text}`) });
  }
  return splice(message, edits);
}

function blocksOf(message: Buffer): readonly Span[] {
  if (message[0] !== 0x7b) return [];
  const content = memberSpan(message, 0, 'content');
  return content === undefined || message[content.start] !== 0x5b
    ? []
    : itemsOf(message, content.start);
}
