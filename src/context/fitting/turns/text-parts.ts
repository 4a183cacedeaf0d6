import { isObject, textOf, type JsonValue } from '../../../kernel/json.ts';
import type { HistoryFault } from './item.ts';

/** The text of a content that is a text or a list of parts. */
export interface PartsText {
  readonly text: string;
  /** A part carries the client's cache mark. */
  readonly marked: boolean;
}

/** Types of parts that carry no text. */
const attachment = /image|audio|video|file|document|screenshot/;

/**
 * Reads content that is a text or a list of text parts of the given types. Null and nothing are an empty text.
 */
export function readParts(
  content: JsonValue | undefined,
  types: ReadonlySet<string>,
): PartsText | HistoryFault {
  if (content === undefined || content === null) return { text: '', marked: false };
  if (typeof content === 'string') return { text: content, marked: false };
  if (!Array.isArray(content)) return 'unknown-part';
  const texts: string[] = [];
  let marked = false;
  for (const part of content as readonly JsonValue[]) {
    const type = isObject(part) ? textOf(part['type']) : undefined;
    if (!isObject(part) || type === undefined) return 'unknown-part';
    if (!types.has(type)) return attachment.test(type) ? 'attachment' : 'unknown-part';
    const text = textOf(part['text']) ?? textOf(part['refusal']);
    if (text === undefined) return 'unknown-part';
    if (text === '') return 'empty-content';
    marked ||= isMarked(part['cache_control']) || isMarked(part['prompt_cache_breakpoint']);
    texts.push(text);
  }
  return { text: texts.join('\n'), marked };
}

export function isMarked(mark: JsonValue | undefined): boolean {
  return mark !== undefined && mark !== null;
}
