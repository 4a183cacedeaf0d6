import { endOfValue, afterSpace } from '../../kernel/json-members.ts';
import { textSpan, type PromptLayout } from '../layout.ts';
import { itemAt } from '../compare.ts';
import type { ClientMark, Form } from './normalise.ts';

export interface ClientMarks {
  /** In prompt order. */
  readonly marks: readonly ClientMark[];
  /** It lets the provider mark the newest block by itself; takes one of the places. */
  readonly isAutomatic: boolean;
}

/** Bytes of a mark at most, its name and what it says. */
const longestMark = 256;

const noMarks: ClientMarks = { marks: [], isAutomatic: false };

/**
 * The marks of a request. Text inside strings has its quotes escaped, so the bare name is a member's wherever a colon follows. A tool's
 * argument of that name is counted too: rather one mark of ours too few than one too many.
 */
export function clientMarks(form: Form, name: string): ClientMarks {
  const { body, layout, same } = form;
  const from = Math.max(0, same - longestMark);
  const known = form.marks.filter(({ at }) => at < from);
  const needle = `"${name}"`;
  let at = body.indexOf(needle, from);
  if (at < 0 && known.length === 0) return noMarks;
  const marks = [...known];
  let isAutomatic = false;
  for (; at >= 0; at = body.indexOf(needle, at + needle.length)) {
    if (body[at - 1] === 0x5c) continue;
    const colon = afterSpace(body, at + needle.length);
    if (body[colon] !== 0x3a) continue;
    const start = afterSpace(body, colon + 1);
    if (body[start] !== 0x7b) continue; // null, or something that is no mark
    const value = body.toString('latin1', start, Math.min(endOfValue(body, start), start + 256));
    const place = placeOf(layout, at);
    if (place === undefined) isAutomatic = true;
    else marks.push({ ...place, at, isLong: /"ttl"\s*:\s*"(?:1h|12h)"/.test(value) });
  }
  return { marks: inPromptOrder(layout, marks), isAutomatic };
}

function placeOf(layout: PromptLayout, at: number) {
  for (const region of layout) {
    const { start, end } = textSpan(region);
    if (at >= start && at < end) {
      return { region: region.name, item: itemAt(region, at - start) };
    }
  }
  return undefined;
}

function inPromptOrder(layout: PromptLayout, marks: readonly ClientMark[]): ClientMark[] {
  const names = layout.map(({ name }) => name);
  return marks.toSorted(
    (one, other) =>
      names.indexOf(one.region) - names.indexOf(other.region) || one.item - other.item,
  );
}
