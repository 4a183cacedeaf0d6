import {
  afterComma,
  afterSpace,
  endOfValue,
  itemsFrom,
  nameAt,
  type Member,
  type Span,
} from './json-members.ts';
import { endOfString } from './json-scan.ts';

const quote = 0x22;
const openingBracket = 0x5b;

/** A top-level member of a body, with its items where it is a list. */
export interface BodyMember extends Member {
  /** Undefined where the value is no list. Shared between the spans of bodies that have a prefix in common; not to be changed. */
  readonly items: readonly Span[] | undefined;
}

/** Where the parts of a request body lie in its bytes. */
export interface BodySpans {
  /** In the order of the text. */
  readonly members: readonly BodyMember[];
  /** The offset of the closing brace. */
  readonly close: number;
}

/** The spans of a body, which must be a valid JSON object: members, and the items of each member that is a list. */
export function bodySpans(body: Buffer): BodySpans {
  return scanOn(body, [], afterSpace(body, 0) + 1);
}

/**
 * The spans of a body whose first `same` bytes are those of one scanned before: only what lies behind them is scanned.
 * Gives what `bodySpans(body)` gives.
 */
export function spansAfter(earlier: BodySpans, same: number, body: Buffer): BodySpans {
  // A value that ends just where the common bytes end may go on in the new text, as 1 does in 12; one before may not.
  const kept = earlier.members.findIndex(({ end }) => end >= same);
  const members = kept < 0 ? earlier.members.slice() : earlier.members.slice(0, kept);
  const from = members.at(-1)?.end ?? afterSpace(body, 0) + 1;
  const broken = kept < 0 ? undefined : earlier.members[kept]!;
  if (broken?.items === undefined || broken.start >= same) return scanOn(body, members, from);
  const items = keptItems(broken.items, same);
  const close = itemsFrom(body, items.at(-1)?.end ?? broken.start + 1, items);
  members.push({ ...broken, end: close + 1, items });
  return scanOn(body, members, close + 1);
}

/** The member of this name; the last one where it is named twice, as in `JSON.parse`. */
export function memberNamed(spans: BodySpans, name: string): BodyMember | undefined {
  return spans.members.findLast((member) => member.name === name);
}

/** How many bytes two texts have in common at their beginning. Compares by blocks with the machine's own comparison. */
export function commonPrefix(one: Buffer, other: Buffer, from = 0): number {
  const limit = Math.min(one.length, other.length);
  if (one.compare(other, from, limit, from, limit) === 0) return limit;
  let low = from;
  let block = 4096;
  // Doubling until a block differs, then halving within it.
  while (equalAt(one, other, low, Math.min(low + block, limit))) {
    low += block;
    block *= 2;
  }
  let high = Math.min(low + block, limit);
  while (high - low > 32) {
    const middle = (low + high) >> 1;
    if (equalAt(one, other, low, middle)) low = middle;
    else high = middle;
  }
  while (one[low] === other[low]) low++;
  return low;
}

function equalAt(one: Buffer, other: Buffer, from: number, to: number): boolean {
  return one.compare(other, from, to, from, to) === 0;
}

function keptItems(items: readonly Span[], same: number): Span[] {
  let count = items.length;
  while (count > 0 && items[count - 1]!.end >= same) count--;
  return items.slice(0, count);
}

function scanOn(body: Buffer, members: BodyMember[], from: number): BodySpans {
  let at = afterComma(body, from);
  while (body[at] === quote) {
    const nameEnd = endOfString(body, at + 1, body.length) + 1;
    const start = afterSpace(body, afterSpace(body, nameEnd) + 1);
    const items: Span[] | undefined = body[start] === openingBracket ? [] : undefined;
    const end =
      items === undefined ? endOfValue(body, start) : itemsFrom(body, start + 1, items) + 1;
    members.push({ name: nameAt(body, at, nameEnd), nameStart: at, start, end, items });
    at = afterComma(body, end);
  }
  return { members, close: at };
}
