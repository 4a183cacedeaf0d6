import {
  arrayOf,
  isObject,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../../../kernel/json.ts';
import { plainItem, resultItem, type HistoryFault, type Item, type TurnReader } from './item.ts';
import { readParts } from './text-parts.ts';

const partTypes: ReadonlySet<string> = new Set(['input_text', 'output_text', 'text', 'refusal']);

/** OpenAI's responses: items instead of messages. Calls and outputs need not be neighbours; a reasoning item belongs to what follows it. */
export const openAiResponsesTurns: TurnReader = {
  list: 'input',
  resultMember: 'output',
  adjacent: false,
  resultsTogether: false,
  requestFault(says) {
    const held = ['previous_response_id', 'conversation', 'prompt'].some(says);
    return held ? 'provider-state' : undefined;
  },
  read(item) {
    if (!isObject(item)) return 'unknown-part';
    switch (textOf(item['type']) ?? 'message') {
      case 'message':
        return readMessage(item);
      case 'reasoning':
        return { ...plainItem, speaker: 'assistant', signed: true, text: reasoningText(item) };
      case 'function_call':
      case 'custom_tool_call':
        return readCall(item);
      case 'function_call_output':
      case 'custom_tool_call_output':
        return readOutput(item);
      // Opaque; what stands before it is the provider's to judge.
      case 'compaction':
        return { ...plainItem, speaker: 'system', text: textOf(item['encrypted_content']) ?? '' };
      case 'item_reference':
        return 'provider-state';
      default:
        return 'unknown-part';
    }
  },
};

function readMessage(item: JsonObject): Item | HistoryFault {
  const parts = readParts(item['content'], partTypes);
  if (typeof parts === 'string') return parts;
  if (parts.text === '') return 'empty-content';
  const speaker = speakers[textOf(item['role']) ?? ''];
  return speaker === undefined ? 'unknown-part' : { ...plainItem, ...parts, speaker };
}

const speakers: Readonly<Record<string, Item['speaker']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
};

function readCall(item: JsonObject): Item | HistoryFault {
  const id = textOf(item['call_id']);
  if (id === undefined) return 'unknown-part';
  const written = textOf(item['arguments']) ?? textOf(item['input']) ?? '';
  const text = `${textOf(item['name']) ?? ''}\n${written}`;
  return { ...plainItem, speaker: 'assistant', calls: [id], text };
}

function readOutput(item: JsonObject): Item | HistoryFault {
  const id = textOf(item['call_id']);
  if (id === undefined) return 'orphan-result';
  const parts = readParts(item['output'], partTypes);
  if (typeof parts === 'string') return parts;
  const { text, marked } = parts;
  return resultItem(id, text, marked);
}

function reasoningText(item: JsonObject): string {
  const parts = [...arrayOf(item['summary']), ...arrayOf(item['content'])];
  const texts = parts.map((part: JsonValue) =>
    isObject(part) ? (textOf(part['text']) ?? '') : '',
  );
  return [...texts, textOf(item['encrypted_content']) ?? ''].join('\n');
}
