import type { Span } from '../../../kernel/json-members.ts';
import { arrayOf, isObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import { resultSpan, type ItemEdit, type Replacement } from '../edits/history-edits.ts';
import { isFault, type TurnReader } from '../turns/item.ts';
import type { Conversation } from './conversation.ts';

/** Clients mark their newest messages, so at most the last few of a request lose a mark with the next. */
const mostMoved = 16;

/**
 * Clients move their cache marks along with a conversation, so that the last messages of a request come again without the mark that
 * they had, and some in another spelling. Where that is all that differs, the conversation takes the new spelling over and keeps all that
 * was done to it.
 * @param common how many items are the same byte for byte.
 * @returns false, and nothing is changed, where more differs.
 */
export function takeMovedMarks(
  conversation: Conversation,
  body: Buffer,
  items: readonly Span[],
  common: number,
  reader: TurnReader,
): boolean {
  const before = conversation.latestItems(reader.list);
  const count = conversation.items.length;
  if (before.length !== count || items.length < count || count - common > mostMoved) return false;
  for (let index = common; index < count; index++) {
    const old = unmarked(valueAt(conversation.prefix, before[index]!));
    if (old !== unmarked(valueAt(body, items[index]!))) return false;
  }
  for (let index = common; index < count; index++) {
    respell(conversation, index, body.subarray(items[index]!.start, items[index]!.end), reader);
  }
  conversation.regroup();
  return true;
}

function respell(
  conversation: Conversation,
  index: number,
  bytes: Buffer,
  reader: TurnReader,
): void {
  const read = reader.read(JSON.parse(bytes.toString('utf8')) as JsonValue);
  if (isFault(read)) return;
  const { text: _text, outputs: _outputs, ...item } = read;
  conversation.items[index] = { ...conversation.items[index]!, item, bytes: bytes.length };
  const edit = conversation.edits.get(index);
  if (edit !== undefined) conversation.edits.set(index, replaced(edit, bytes, reader));
}

/** The same edit where its parts lie now. */
function replaced(edit: ItemEdit, bytes: Buffer, reader: TurnReader): ItemEdit {
  const parts = new Map<number | undefined, Replacement>();
  for (const [block, { bytes: put }] of edit.replaced) {
    const span = resultSpan(bytes, reader, block);
    if (span !== undefined) parts.set(block, { ...span, bytes: put });
  }
  return { removed: edit.removed, replaced: parts };
}

function valueAt(body: Buffer, { start, end }: Span): JsonValue {
  return JSON.parse(body.toString('utf8', start, end)) as JsonValue;
}

/** One text for all spellings of an item that differ in nothing but marks: a lone text block is a text. */
function unmarked(item: JsonValue): string {
  if (!isObject(item) || !Array.isArray(item['content'])) return JSON.stringify(item);
  const blocks = arrayOf(item['content']).map((block) =>
    isObject(block) ? withoutMark(block) : block,
  );
  const [only] = blocks;
  const isText = blocks.length === 1 && isObject(only) && only['type'] === 'text';
  return JSON.stringify({ ...item, content: isText ? only['text'] : blocks });
}

function withoutMark(block: JsonObject): JsonObject {
  const { cache_control: _mark, prompt_cache_breakpoint: _breakpoint, ...rest } = block;
  return rest;
}
