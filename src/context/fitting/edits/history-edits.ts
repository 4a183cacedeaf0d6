import { itemsOf, memberSpan, type Span } from '../../../kernel/json-members.ts';
import { splice, type Edit } from '../../../kernel/splice.ts';
import type { TurnReader } from '../turns/item.ts';

/** New bytes for a part of an item; the offsets count from the item's first byte. */
export interface Replacement extends Span {
  readonly bytes: Buffer;
}

/** What is done to one item of a history. An item's bytes never change once they were sent, so neither do these. */
export interface ItemEdit {
  readonly removed: boolean;
  /** By the block whose result is replaced; `undefined` for an item that is one result. */
  readonly replaced: ReadonlyMap<number | undefined, Replacement>;
}

/**
 * `body` with its items edited: by splices, so that what is not edited stays byte for byte.
 * @param items spans of the history's items, in order.
 * @param edits by the index of their item. The last item is never removed, so that the list stays well-formed.
 */
export function withEdits(
  body: Buffer,
  items: readonly Span[],
  edits: ReadonlyMap<number, ItemEdit>,
): Buffer {
  const splices: Edit[] = [];
  for (const [index, { removed, replaced }] of edits) {
    const item = items[index];
    if (item === undefined) continue;
    if (removed) {
      const end = items[index + 1]?.start;
      if (end === undefined) throw new RangeError('The last item of a history cannot be removed.');
      splices.push({ start: item.start, end, bytes: nothing });
      continue;
    }
    for (const { start, end, bytes } of replaced.values()) {
      splices.push({ start: item.start + start, end: item.start + end, bytes });
    }
  }
  return splice(body, splices);
}

const nothing = Buffer.alloc(0);

/** Where the value of a tool's result lies within its item, from the item's first byte; undefined where it has none. */
export function resultSpan(
  item: Buffer,
  reader: Pick<TurnReader, 'resultMember'>,
  block: number | undefined,
): Span | undefined {
  if (block === undefined) return memberSpan(item, 0, reader.resultMember);
  const content = memberSpan(item, 0, 'content');
  const holder = content === undefined ? undefined : itemsOf(item, content.start)[block];
  return holder === undefined ? undefined : memberSpan(item, holder.start, reader.resultMember);
}

/** The same edit with one more part replaced, or with that part replaced otherwise. */
export function withReplacement(
  edit: ItemEdit | undefined,
  block: number | undefined,
  replacement: Replacement,
): ItemEdit {
  const replaced = new Map(edit?.replaced);
  replaced.set(block, replacement);
  return { removed: edit?.removed ?? false, replaced };
}

export const removal: ItemEdit = { removed: true, replaced: new Map() };
