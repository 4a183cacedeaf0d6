import { isObject, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { OpenPart, SpendTerms } from '../spend.ts';

/** Terms while they are read. */
export interface GrowingTerms {
  images: number;
  imageBytes: number;
  longWrites: boolean;
  readonly open: Set<OpenPart>;
}

export function newTerms(): GrowingTerms {
  return { images: 0, imageBytes: 0, longWrites: false, open: new Set() };
}

/** What holds where a dialect has nothing to say. */
export const plainTerms: Omit<SpendTerms, keyof GrowingTerms> = {
  outputCap: undefined,
  namesCap: false,
  usualCap: undefined,
  leastCap: 0,
  answers: 1,
  searches: 0,
  thinks: false,
  runsOn: false,
  overhead: 0,
};

/** What a body says of its output cap, as `read` understands its members. */
export function capsIn(
  read: typeof capIn,
  body: JsonObject,
  ...names: readonly string[]
): Pick<SpendTerms, 'outputCap' | 'namesCap'> {
  return {
    outputCap: read(body, ...names),
    namesCap: names.some((name) => body[name] !== undefined),
  };
}

/** The larger of the caps that a body names: servers differ in which of two they heed. What is no number of tokens is the provider's to refuse, and bounds nothing. */
export function capIn(body: JsonObject, ...names: readonly string[]): number | undefined {
  let cap: number | undefined;
  for (const name of names) {
    const value = numberOf(body[name]);
    // Some servers take a negative number for "no limit".
    if (value === undefined || value < 0) continue;
    cap = Math.max(cap ?? 0, mostOf(value));
  }
  return cap;
}

/** The same where nothing can be asked for in no tokens: some servers take 0 for "no limit". */
export function capAboveZero(body: JsonObject, ...names: readonly string[]): number | undefined {
  const cap = capIn(body, ...names);
  return cap === 0 ? undefined : cap;
}

/** A factor such as `n`, at least 1. */
export function timesIn(body: JsonObject, name: string): number {
  const value = numberOf(body[name]);
  return value !== undefined && value > 1 ? mostOf(value) : 1;
}

/** A number, also as text: lenient servers take `"50"` for 50. */
export function numberOf(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

/** JSON can say `1e999`. */
function mostOf(value: number): number {
  return Math.min(Math.ceil(value), Number.MAX_SAFE_INTEGER);
}

/** Notes an image by its URL, which may hold it. */
export function addImage(terms: GrowingTerms, url: JsonValue | undefined): void {
  terms.images++;
  const text = textOf(url);
  // Its letters are plain ASCII, and escapes only make the body longer than we subtract.
  if (text?.startsWith('data:') === true) terms.imageBytes += text.length;
}

/** Calls `visit` for each object in a list. */
export function eachObject(
  values: JsonValue | undefined,
  visit: (value: JsonObject) => void,
): void {
  if (!Array.isArray(values)) return;
  for (const value of values as readonly JsonValue[]) if (isObject(value)) visit(value);
}
