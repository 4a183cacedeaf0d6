import { isUtf8 } from 'node:buffer';
import { CanonicalForm } from '../kernel/canonical.ts';
import { scanJson } from '../kernel/json-scan.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';

/** Offsets in the text of a body just past the last item of its growing list, and just past the one before where there is one. */
export interface ListEnd {
  readonly last: number;
  readonly before: number | undefined;
}

/**
 * Where `body[growing]` ends, undefined unless certain.
 * The last item's text is searched from the end; the place is right if what follows closes the list and goes on with just those members
 * that come after the growing one. Inside a string the text cannot occur, since its quotes would be escaped.
 */
export function endOfList(body: Buffer, value: JsonObject, growing: string): ListEnd | undefined {
  const items = value[growing] as readonly JsonValue[];
  const item = items.at(-1);
  if (typeof item !== 'object' || item === null) return undefined;
  const text = Buffer.from(JSON.stringify(item));
  const start = body.lastIndexOf(text);
  if (start < 0) return undefined;
  const last = start + text.length;
  const names = Object.keys(value);
  const after = names.slice(names.indexOf(growing) + 1);
  const rest = parseObject(`{"":[0${body.toString('utf8', last)}`);
  const found = rest === undefined ? undefined : Object.keys(rest).slice(1);
  const closes = rest !== undefined && Array.isArray(rest['']) && rest[''].length === 1;
  if (!closes || found?.join('\n') !== after.join('\n')) return undefined;
  return { last, before: items.length > 1 ? endBefore(body, start) : undefined };
}

/** The end of the item before the one that starts at `start`: only white space and one comma stand between them. */
function endBefore(body: Buffer, start: number): number | undefined {
  const comma = lastSolid(body, start);
  return body[comma] === 0x2c ? lastSolid(body, comma) + 1 : undefined;
}

/** The offset of the last byte before `end` that is no white space. */
function lastSolid(body: Buffer, end: number): number {
  let at = end - 1;
  while (at > 0 && body[at]! <= 0x20) at--;
  return at;
}

export interface ListTail {
  readonly values: readonly JsonValue[];
  /** Canonical forms of the values. */
  readonly forms: readonly string[];
}

/** The items that a tail such as `,{...},{...}` adds, or undefined if it is no such thing. */
export function parseTail(tail: Buffer, depth: number): ListTail | undefined {
  if (!isUtf8(tail)) return undefined;
  const values = parseList(`[0${tail.toString('utf8')}]`)?.slice(1);
  if (values === undefined || values.length === 0) return undefined;
  const scan = scanJson(tail);
  if (scan.longNumber || scan.escapedName || scan.depth + 2 > depth) return undefined;
  const canonical = new CanonicalForm();
  const forms = values.map((value) => canonical.of(value));
  return canonical.members === scan.members ? { values, forms } : undefined;
}

function parseList(text: string): readonly JsonValue[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? (parsed as readonly JsonValue[]) : undefined;
  } catch {
    return undefined; // no continuation then; the whole body will be parsed and judged
  }
}

function parseObject(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined; // the place was wrong
  }
}
