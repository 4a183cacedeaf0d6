/** Where two texts part, and what sort of thing it is that differs. */
export interface TextDifference {
  /** Counted from 1, in the later text. */
  readonly line: number;
  readonly kind: 'time' | 'id' | 'other';
  /** What stood there and what stands there now. */
  readonly example: string;
}

const shownAround = 24;
const shownLength = 60;

/** The first difference of two texts. */
export function firstDifference(before: string, after: string): TextDifference {
  const from = commonLength(before, after);
  const back = commonTail(before, after, from);
  const line = after.slice(0, from).split('\n').length;
  const was = around(before, from, before.length - back);
  const is = around(after, from, after.length - back);
  return { line, kind: kindOf(was, is), example: `"${clip(was.shown)}" -> "${clip(is.shown)}"` };
}

function commonLength(one: string, other: string): number {
  const limit = Math.min(one.length, other.length);
  let at = 0;
  while (at < limit && one[at] === other[at]) at++;
  return at;
}

function commonTail(one: string, other: string, from: number): number {
  const limit = Math.min(one.length, other.length) - from;
  let back = 0;
  while (back < limit && one[one.length - 1 - back] === other[other.length - 1 - back]) back++;
  return back;
}

interface Stretch {
  /** With a few characters on both sides, within its line. */
  readonly shown: string;
  /** Widened to whole words, since 10:41 and 10:42 differ in one digit. */
  readonly words: string;
}

function around(text: string, from: number, to: number): Stretch {
  const lineStart = text.lastIndexOf('\n', from - 1) + 1;
  const lineBreak = text.indexOf('\n', Math.max(from, to));
  const lineEnd = lineBreak < 0 ? text.length : lineBreak;
  const wordStart = from - (/[\w.:+-]*$/.exec(text.slice(lineStart, from))?.[0].length ?? 0);
  const wordEnd = to + (/^[\w.:+-]*/.exec(text.slice(to, to + shownLength))?.[0].length ?? 0);
  return {
    shown: text.slice(
      Math.max(lineStart, wordBefore(text, from - shownAround)),
      Math.min(lineEnd, to + shownAround),
    ),
    words: text.slice(wordStart, wordEnd),
  };
}

/** The beginning of the word at an offset, if it is near. */
function wordBefore(text: string, at: number): number {
  const space = text.lastIndexOf(' ', at);
  return at - space < shownAround ? space + 1 : at;
}

const months = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec';
/** How times and dates are written. */
export const timeForms = new RegExp(
  [
    String.raw`\d{4}-\d{2}-\d{2}`,
    String.raw`\d{1,2}:\d{2}`,
    String.raw`\d{1,4}[/.]\d{1,2}[/.]\d{2,4}`,
    String.raw`\b(?:${months})[a-z]*\.? \d{1,2}`,
    String.raw`\b\d{1,2}\.? (?:${months})`,
    String.raw`\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b`,
    // Seconds or milliseconds since 1970, this century's.
    String.raw`\b1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?\b`,
    String.raw`\b(?:date|time|timestamp|now|today)\b.{0,12}\d`,
  ].join('|'),
  'i',
);
const idForms = /\d|\b[0-9a-f]{6,}\b/i;

/** What differs is judged by the whole words that do; a time also by what stands beside it. */
function kindOf(was: Stretch, is: Stretch): TextDifference['kind'] {
  const isVolatile = idForms.test(was.words) && idForms.test(is.words);
  if (!isVolatile) return 'other';
  return timeForms.test(was.shown) && timeForms.test(is.shown) ? 'time' : 'id';
}

function clip(text: string): string {
  return text.length > shownLength ? `${text.slice(0, shownLength - 1)}…` : text;
}
