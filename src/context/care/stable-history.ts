import { scanJson } from '../../kernel/json-scan.ts';
import { parseJson } from '../../kernel/json.ts';
import type { Edit } from '../../kernel/splice.ts';
import type { LaidOut } from '../compare.ts';
import { sameButForOrder } from '../doctor/likeness.ts';
import { regionOf } from '../layout.ts';

/** Larger messages are left as they are. */
const readableBytes = 128 * 1024;

/**
 * Puts earlier messages back into the text in which they left before, where the client sends the same values with their members in another
 * order. Ends at the first message that is really another.
 */
export function stableHistory(earlier: LaidOut, now: LaidOut, markName: string): Edit[] {
  const before = regionOf(earlier.layout, 'messages');
  const after = regionOf(now.layout, 'messages');
  if (before === undefined || after === undefined) return [];
  const edits: Edit[] = [];
  const count = Math.min(before.items.length, after.items.length);
  for (let index = 0; index < count; index++) {
    const { start: from, end: to } = before.items[index]!;
    const { start, end } = after.items[index]!;
    const was = earlier.body.subarray(from, to);
    const is = now.body.subarray(start, end);
    // Marks are the client's to place and to move; a message that carries one goes as it is.
    if (was.equals(is) || is.includes(`"${markName}"`)) continue;
    if (!sameValue(was, is)) break;
    edits.push({ start, end, bytes: was });
  }
  return edits;
}

function sameValue(one: Buffer, other: Buffer): boolean {
  if (one.length > readableBytes || other.length > readableBytes) return false;
  if (scanJson(one).longNumber || scanJson(other).longNumber) return false;
  const was = parseJson(one.toString('utf8'));
  const is = parseJson(other.toString('utf8'));
  return was !== undefined && is !== undefined && sameButForOrder(was, is);
}
