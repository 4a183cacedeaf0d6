import type { Span } from '../../kernel/json-members.ts';
import type { BodyMember, BodySpans } from '../../kernel/json-spans.ts';
import type { Edit } from '../../kernel/splice.ts';

/**
 * The spans of a body after edits that lie within its items, or within members that are no lists: everything behind an edit moves by
 * what it adds or takes. Undefined where an edit reaches over an item's border or stands at one, so that the text must be looked at again.
 */
export function movedSpans(spans: BodySpans, edits: readonly Edit[]): BodySpans | undefined {
  const ordered = edits.toSorted((one, other) => one.start - other.start);
  const shift = new Shift(ordered);
  const members: BodyMember[] = [];
  for (const member of spans.members) {
    const nameStart = shift.at(member.nameStart);
    const start = shift.at(member.start);
    const items = member.items?.map((item): Span => {
      const from = shift.at(item.start);
      return { start: from, end: shift.within(item) };
    });
    const end = items === undefined ? shift.within(member) : shift.at(member.end);
    members.push({ name: member.name, nameStart, start, end, items });
  }
  const close = shift.at(spans.close);
  return shift.isExact ? { members, close } : undefined;
}

/** Offsets after the edits, asked for in ascending order. */
class Shift {
  readonly #edits: readonly Edit[];
  #next = 0;
  #moved = 0;
  isExact = true;

  constructor(edits: readonly Edit[]) {
    this.#edits = edits;
  }

  /** Where a border between values has gone; no edit may lie between it and the last one asked for. */
  at(offset: number): number {
    const edit = this.#edits[this.#next];
    if (edit !== undefined && edit.start < offset) this.isExact = false;
    return offset + this.#moved;
  }

  /** Where the end of a value has gone, the edits within it taken in. */
  within({ start, end }: Span): number {
    for (; ; this.#next++) {
      const edit = this.#edits[this.#next];
      if (edit === undefined || edit.start >= end) break;
      if (edit.start < start || edit.end > end) this.isExact = false;
      this.#moved += edit.bytes.length - (edit.end - edit.start);
    }
    return end + this.#moved;
  }
}
