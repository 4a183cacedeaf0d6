import { endOfValue, afterSpace } from '../../kernel/json-members.ts';
import { textSpan, type PromptLayout, type RegionName } from '../layout.ts';
import { itemAt } from '../compare.ts';
import type { Form } from './normalise.ts';

/** A mark that the client set itself. */
export interface ClientMark {
  readonly region: RegionName;
  readonly item: number;
  readonly isLong: boolean;
}

export interface ClientMarks {
  /** In prompt order. */
  readonly marks: readonly ClientMark[];
  /** It lets the provider mark the newest block by itself; takes one of the places. */
  readonly isAutomatic: boolean;
}

const noMarks: ClientMarks = { marks: [], isAutomatic: false };

/**
 * The marks of a request. Text inside strings has its quotes escaped, so the bare name is a member's wherever a colon follows. A tool's
 * argument of that name is counted too: rather one mark of ours too few than one too many.
 */
export function clientMarks({ body, layout, same }: Form, name: string): ClientMarks {
  const needle = `"${name}"`;
  let at = body.indexOf(needle, Math.max(0, same - needle.length));
  if (at < 0) return noMarks;
  const marks: ClientMark[] = [];
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
    else marks.push({ ...place, isLong: /"ttl"\s*:\s*"(?:1h|12h)"/.test(value) });
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
