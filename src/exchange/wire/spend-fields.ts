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
  overhead: 0,
};

/** What a body says of its output cap. */
export function capsIn(
  body: JsonObject,
  ...names: readonly string[]
): Pick<SpendTerms, 'outputCap' | 'namesCap'> {
  return {
    outputCap: capIn(body, ...names),
    namesCap: names.some((name) => body[name] !== undefined),
  };
}

/** The larger of the caps that a body names: servers differ in which of two they heed. What is no number of tokens is the provider's to refuse, and bounds nothing. */
export function capIn(body: JsonObject, ...names: readonly string[]): number | undefined {
  let cap: number | undefined;
  for (const name of names) {
    const value = body[name];
    // Some servers take a negative number for "no limit".
    if (typeof value !== 'number' || value < 0) continue;
    cap = Math.max(cap ?? 0, mostOf(value));
  }
  return cap;
}

/** A factor such as `n`, at least 1. */
export function timesIn(body: JsonObject, name: string): number {
  const value = body[name];
  return typeof value === 'number' && value > 1 ? mostOf(value) : 1;
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
