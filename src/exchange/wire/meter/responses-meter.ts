import {
  countOf,
  isObject,
  parseJson,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../../../kernel/json.ts';
import type { SseEvent } from '../../dialect.ts';
import type { Growing } from '../growing.ts';
import type { StreamMeter } from './stream-meter.ts';
import { Written } from './written.ts';

/** An item of the output while it grows. */
interface OpenItem {
  readonly item: Growing;
  isDone: boolean;
  /** Lists of parts, by the member that has them, with the indexes of those that are not done. */
  readonly open: Map<PartList, Set<number>>;
}

type PartList = 'content' | 'summary';

/** Nobody has more parts in an item; a list with a hole of millions would be ours to write out. */
const lastPart = 1023;

/** Texts that grow within an item itself. */
const ownTexts: Readonly<Record<string, string>> = {
  'response.function_call_arguments': 'arguments',
  'response.custom_tool_call_input': 'input',
};

/** Texts that grow within a part: in which list it is, and which member of it. */
const partTexts: Readonly<Record<string, readonly [PartList, string]>> = {
  'response.output_text': ['content', 'text'],
  'response.refusal': ['content', 'refusal'],
  'response.reasoning_text': ['content', 'text'],
  'response.reasoning_summary_text': ['summary', 'text'],
};

/** Follows the streams of OpenAI's responses. */
export class ResponsesMeter implements StreamMeter {
  readonly written = new Written();
  told: number | undefined;
  ended = false;
  #response: JsonObject = {};
  #sequence = -1;
  readonly #items = new Map<number, OpenItem>();

  push(event: SseEvent): void {
    const data = parseJson(event.data);
    if (!isObject(data)) return;
    const type = textOf(data['type']) ?? event.event ?? '';
    this.#sequence = countOf(data['sequence_number']) ?? this.#sequence + 1;
    if (isObject(data['response'])) this.#takeResponse(type, data['response']);
    else if (type === 'error') this.ended = true;
    else if (type.startsWith('response.output_item.')) this.#takeItem(type, data);
    else if (type.endsWith('_part.added') || type.endsWith('_part.done'))
      this.#takePart(type, data);
    else if (type.endsWith('.delta')) this.#addDelta(type.slice(0, -'.delta'.length), data);
  }

  closing(): SseEvent[] {
    const events: SseEvent[] = [];
    const say = (type: string, members: JsonObject): void => {
      this.#sequence++;
      const data = JSON.stringify({ type, sequence_number: this.#sequence, ...members });
      events.push({ event: type, data });
    };
    for (const [output_index, open] of this.#items) {
      if (!open.isDone) closeItem(open, output_index, say);
    }
    const response = {
      ...this.#response,
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [...this.#items.values()].map(({ item }) => item),
      // The provider's count will never come, and ours is not its word.
      usage: null,
    };
    say('response.incomplete', { response });
    return events;
  }

  #takeResponse(type: string, response: JsonObject): void {
    this.#response = response;
    const usage = response['usage'];
    if (isObject(usage)) this.told = countOf(usage['output_tokens']) ?? this.told;
    if (/\.(?:completed|incomplete|failed|cancelled)$/.test(type)) this.ended = true;
  }

  #takeItem(type: string, data: JsonObject): void {
    const item = data['item'];
    if (!isObject(item)) return;
    const isDone = type.endsWith('.done');
    const index = countOf(data['output_index']) ?? 0;
    if (!this.#items.has(index)) {
      this.written.addFraming();
      this.#add(item['name']);
    }
    this.#items.set(index, { item: { ...item }, isDone, open: new Map() });
    // Sealed thoughts come whole, with the item that they belong to.
    if (isDone) this.written.addHidden(textOf(item['encrypted_content'])?.length ?? 0);
  }

  #takePart(type: string, data: JsonObject): void {
    const list: PartList = type.includes('summary') ? 'summary' : 'content';
    const open = this.#itemOf(data);
    const part = data['part'];
    if (open === undefined || !isObject(part)) return;
    const at = partIndex(data, list);
    partsOf(open.item, list)[at] = { ...part };
    const places = open.open.get(list) ?? new Set<number>();
    open.open.set(list, places);
    if (type.endsWith('.done')) places.delete(at);
    else places.add(at);
  }

  #addDelta(kind: string, data: JsonObject): void {
    const delta = textOf(data['delta']);
    if (delta === undefined) return;
    const [list, name] = partTexts[kind] ?? [];
    // A summary is billed as the thoughts that it sums up, not as itself; sound not by its letters.
    if (list === 'summary' || kind.endsWith('audio')) this.written.addHidden(delta.length * 3);
    else this.written.add(delta);
    const open = this.#itemOf(data);
    if (open === undefined) return;
    const own = ownTexts[kind];
    if (own !== undefined) addTo(open.item, own, delta);
    else if (list !== undefined)
      addTo(partAt(open.item, list, partIndex(data, list)), name!, delta);
  }

  #itemOf(data: JsonObject): OpenItem | undefined {
    return this.#items.get(countOf(data['output_index']) ?? 0);
  }

  #add(text: JsonValue | undefined): void {
    if (typeof text === 'string') this.written.add(text);
  }
}

type Say = (type: string, members: JsonObject) => void;

/** Closes the parts of an item that are open, then the item itself. */
function closeItem({ item, open }: OpenItem, output_index: number, say: Say): void {
  const item_id = textOf(item['id']) ?? '';
  const place = { item_id, output_index };
  for (const [list, places] of open) {
    for (const at of places) closePart(partAt(item, list, at), list, { place, at, say });
  }
  if (item['type'] === 'function_call') {
    const written = textOf(item['arguments']) ?? '';
    say('response.function_call_arguments.done', {
      ...place,
      name: item['name'] ?? '',
      arguments: written,
    });
  } else if (item['type'] === 'custom_tool_call') {
    say('response.custom_tool_call_input.done', { ...place, input: item['input'] ?? '' });
  }
  item['status'] = 'incomplete';
  say('response.output_item.done', { output_index, item });
}

function closePart(
  part: Growing,
  list: PartList,
  { place, at, say }: { readonly place: JsonObject; readonly at: number; readonly say: Say },
): void {
  if (list === 'summary') {
    const where = { ...place, summary_index: at };
    say('response.reasoning_summary_text.done', { ...where, text: part['text'] ?? '' });
    say('response.reasoning_summary_part.done', { ...where, part });
    return;
  }
  const where = { ...place, content_index: at };
  const { type } = part;
  if (type === 'refusal') {
    say('response.refusal.done', { ...where, refusal: part['refusal'] ?? '' });
  } else if (type === 'reasoning_text') {
    say('response.reasoning_text.done', { ...where, text: part['text'] ?? '' });
  } else {
    say('response.output_text.done', { ...where, text: part['text'] ?? '', logprobs: [] });
  }
  say('response.content_part.done', { ...where, part });
}

function partsOf(item: Growing, list: PartList): JsonValue[] {
  const parts = item[list];
  if (Array.isArray(parts)) return parts as JsonValue[];
  const fresh: JsonValue[] = [];
  item[list] = fresh;
  return fresh;
}

function partAt(item: Growing, list: PartList, at: number): Growing {
  const parts = partsOf(item, list);
  const part = parts[at];
  if (isObject(part)) return part;
  const fresh: Growing = { type: list === 'summary' ? 'summary_text' : 'output_text', text: '' };
  parts[at] = fresh;
  return fresh;
}

function partIndex(data: JsonObject, list: PartList): number {
  const index = countOf(data[list === 'summary' ? 'summary_index' : 'content_index']) ?? 0;
  return Math.min(index, lastPart);
}

function addTo(holder: Growing, name: string, text: string): void {
  holder[name] = (textOf(holder[name]) ?? '') + text;
}
