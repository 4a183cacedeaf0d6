import type { Handles } from './handles.ts';

/** Of a capped text, the share that is kept from its beginning; the rest is kept from its end. */
const headShare = 0.75;
/** `eco-0123456789ab`, or `eco-0123456789ab from 8000`. */
const asked = /\beco-([0-9A-Za-z]{12})(?: from (\d{1,9}))?/g;
const answersAtOnce = 4;

/**
 * The beginning and the end of a text that is too long, with a handle between them by which the model can ask for the rest: it writes
 * the handle in its next message, beside a tool call or by itself, and what it asked for is put behind the next result or message that it gets.
 */
export function capped(
  text: string,
  limit: number,
  scope: string,
  handles: Handles,
): string | undefined {
  if (text.length <= limit) return undefined;
  const head = wholeCharacters(text, 0, Math.floor(limit * headShare));
  const tail = wholeCharacters(
    text,
    text.length - Math.floor(limit * (1 - headShare)),
    text.length,
  );
  const handle = handles.keep(scope, text);
  const left = text.length - head.length - tail.length;
  return `${head}\n[${left} characters are left out here. To read on, write "${handle} from ${head.length}" in your next message.]\n${tail}`;
}

/** What the model asked for in a text that it wrote; undefined where it asked for nothing. */
export function askedFor(
  written: string,
  limit: number,
  scope: string,
  handles: Handles,
): string | undefined {
  const answers: string[] = [];
  for (const [, name, from] of written.matchAll(asked)) {
    if (answers.length === answersAtOnce) break;
    const handle = `eco-${name!}`;
    const text = handles.find(scope, handle);
    const start = Number(from ?? 0);
    if (text === undefined) answers.push(`[${handle} is kept no longer; call the tool again.]`);
    else answers.push(excerpt(text, handle, start, limit));
  }
  return answers.length === 0 ? undefined : answers.join('\n');
}

function excerpt(text: string, handle: string, start: number, limit: number): string {
  const part = wholeCharacters(text, start, start + limit);
  const end = Math.min(start + limit, start + part.length);
  const rest =
    end < text.length ? ` To read on, write "${handle} from ${end}" in your next message.` : '';
  return `[${handle}, characters ${start} to ${end} of ${text.length}.${rest}]\n${part}`;
}

/** A slice that cuts no character in two. */
function wholeCharacters(text: string, from: number, to: number): string {
  const isLow = (index: number): boolean => (text.charCodeAt(index) & 0xfc_00) === 0xdc_00;
  const start = isLow(from) ? from + 1 : from;
  const end = to < text.length && isLow(to) ? to - 1 : to;
  return text.slice(start, end);
}
