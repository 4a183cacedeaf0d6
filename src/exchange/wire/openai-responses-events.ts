import { arrayOf, isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import type { SseEvent } from '../dialect.ts';
import { piecesOf } from './growing.ts';

/** The stream that brings a response. */
export function responsesEvents(final: JsonObject): SseEvent[] {
  const script = new Script();
  const running = {
    ...final,
    status: 'in_progress',
    output: [],
    ...('completed_at' in final ? { completed_at: null } : {}),
    ...('incomplete_details' in final ? { incomplete_details: null } : {}),
    ...('usage' in final ? { usage: null } : {}),
  };
  script.say('response.created', { response: running });
  script.say('response.in_progress', { response: running });
  arrayOf(final['output']).forEach((item, index) => {
    if (isObject(item)) sayItem(script, item, index);
  });
  const ended = final['status'] === 'incomplete' ? 'incomplete' : 'completed';
  script.say(`response.${ended}`, { response: final });
  return script.events;
}

/** The events so far, numbered as they are said. */
class Script {
  readonly events: SseEvent[] = [];

  say(type: string, members: JsonObject): void {
    const data = { type, sequence_number: this.events.length, ...members };
    this.events.push({ event: type, data: JSON.stringify(data) });
  }

  /** A text in pieces and then whole: the pair of events that every growing text has. */
  sayText(
    type: string,
    place: JsonObject,
    told: { name: string; text: string; extra?: JsonObject },
  ): void {
    for (const delta of piecesOf(told.text)) {
      this.say(`${type}.delta`, { ...place, delta, ...told.extra });
    }
    this.say(`${type}.done`, { ...place, [told.name]: told.text, ...told.extra });
  }
}

function sayItem(script: Script, item: JsonObject, output_index: number): void {
  script.say('response.output_item.added', { output_index, item: begun(item) });
  // Without an id its parts have no address; the item then comes whole.
  if (typeof item['id'] === 'string') {
    sayParts(script, item, { item_id: item['id'], output_index });
  }
  script.say('response.output_item.done', { output_index, item });
}

/** An item as it is announced: there, but with nothing written yet. */
function begun(item: JsonObject): JsonObject {
  const running = 'status' in item ? { status: 'in_progress' } : {};
  if (typeof item['id'] !== 'string') return item;
  switch (textOf(item['type']) ?? '') {
    case 'message':
      return { ...item, ...running, content: [] };
    case 'reasoning':
      return { ...item, ...running, summary: [], ...('content' in item ? { content: [] } : {}) };
    case 'function_call':
      return { ...item, ...running, arguments: '' };
    case 'custom_tool_call':
      return { ...item, ...running, input: '' };
    default:
      return item;
  }
}

function sayParts(script: Script, item: JsonObject, place: JsonObject): void {
  if (item['type'] === 'function_call' && typeof item['arguments'] === 'string') {
    const told = { name: 'arguments', text: item['arguments'] };
    script.sayText('response.function_call_arguments', place, told);
  } else if (item['type'] === 'custom_tool_call' && typeof item['input'] === 'string') {
    const told = { name: 'input', text: item['input'] };
    script.sayText('response.custom_tool_call_input', place, told);
  } else if (item['type'] === 'message' || item['type'] === 'reasoning') {
    arrayOf(item['summary']).forEach((part, index) => {
      if (isObject(part)) saySummary(script, part, { ...place, summary_index: index });
    });
    arrayOf(item['content']).forEach((part, index) => {
      if (isObject(part)) sayContent(script, part, { ...place, content_index: index });
    });
  }
}

function saySummary(script: Script, part: JsonObject, place: JsonObject): void {
  const text = textOf(part['text']) ?? '';
  const type = 'response.reasoning_summary_part';
  script.say(`${type}.added`, { ...place, part: { ...part, text: '' } });
  script.sayText('response.reasoning_summary_text', place, { name: 'text', text });
  script.say(`${type}.done`, { ...place, part });
}

function sayContent(script: Script, part: JsonObject, place: JsonObject): void {
  script.say('response.content_part.added', { ...place, part: begunPart(part) });
  const { text, refusal } = part;
  if (part['type'] === 'output_text' && typeof text === 'string') {
    // The list of log probabilities is part of these two events even where none were asked for.
    script.sayText('response.output_text', place, { name: 'text', text, extra: { logprobs: [] } });
    arrayOf(part['annotations']).forEach((annotation, annotation_index) => {
      const type = 'response.output_text.annotation.added';
      script.say(type, { ...place, annotation_index, annotation });
    });
  } else if (part['type'] === 'reasoning_text' && typeof text === 'string') {
    script.sayText('response.reasoning_text', place, { name: 'text', text });
  } else if (part['type'] === 'refusal' && typeof refusal === 'string') {
    script.sayText('response.refusal', place, { name: 'refusal', text: refusal });
  }
  script.say('response.content_part.done', { ...place, part });
}

function begunPart(part: JsonObject): JsonObject {
  switch (textOf(part['type']) ?? '') {
    case 'output_text':
      return {
        ...part,
        annotations: [],
        ...('logprobs' in part ? { logprobs: [] } : {}),
        text: '',
      };
    case 'reasoning_text':
      return { ...part, text: '' };
    case 'refusal':
      return { ...part, refusal: '' };
    default:
      return part;
  }
}
