import {
  arrayOf,
  countOf,
  isObject,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../../../kernel/json.ts';
import type { SseEvent } from '../../dialect.ts';
import { AlikeJson } from '../alike-json.ts';
import { changingInChunks, doneEvent } from '../openai-chunks.ts';
import type { Ending, StreamMeter } from './stream-meter.ts';
import { Written } from './written.ts';

/** Follows OpenAI's chunk streams, of chat and of legacy completions. */
export class ChunkMeter implements StreamMeter {
  readonly written = new Written();
  told: number | undefined;
  #closed = false;
  readonly #chunks = new AlikeJson(changingInChunks);
  /** What all chunks of the stream have in common. */
  #header: JsonObject | undefined;
  /** Choices by index; true once their last chunk has come. */
  readonly #choices = new Map<number, boolean>();
  readonly #form: 'chat' | 'text';

  constructor(form: 'chat' | 'text') {
    this.#form = form;
  }

  /** Where every choice has said why it stopped, only counts can follow. */
  get ended(): boolean {
    if (this.#closed) return true;
    for (const isOver of this.#choices.values()) if (!isOver) return false;
    return this.#choices.size > 0;
  }

  push(event: SseEvent): void {
    if (event.data === doneEvent.data) {
      this.#closed = true;
      return;
    }
    const chunk = this.#chunks.parse(event.data);
    if (!isObject(chunk)) return;
    if (isObject(chunk['error'])) this.#closed = true;
    this.#header ??= headerOf(chunk);
    for (const choice of arrayOf(chunk['choices'])) if (isObject(choice)) this.#addChoice(choice);
    const usage = chunk['usage'];
    if (isObject(usage)) this.told = countOf(usage['completion_tokens']) ?? this.told;
  }

  closing({ usage, inputTokens, outputTokens }: Ending): SseEvent[] {
    const header = this.#header ?? {};
    const events: SseEvent[] = [];
    const say = (choices: JsonObject[], more: JsonObject): void => {
      events.push({ event: undefined, data: JSON.stringify({ ...header, choices, ...more }) });
    };
    const silent = usage ? { usage: null } : {};
    for (const [index, isOver] of this.#choices) {
      if (isOver) continue;
      const empty = this.#form === 'chat' ? { delta: {} } : { text: '' };
      say([{ index, ...empty, logprobs: null, finish_reason: 'length' }], silent);
    }
    if (usage) {
      const counts = {
        prompt_tokens: inputTokens,
        completion_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
      };
      say([], { usage: counts });
    }
    return [...events, doneEvent];
  }

  #addChoice(choice: JsonObject): void {
    const index = countOf(choice['index']) ?? 0;
    if (!this.#choices.has(index)) this.written.addFraming();
    const isOver = typeof choice['finish_reason'] === 'string';
    if (isOver || !this.#choices.has(index)) this.#choices.set(index, isOver);
    addText(this.written, choice['text']);
    if (isObject(choice['delta'])) this.#addDelta(choice['delta']);
  }

  #addDelta(delta: JsonObject): void {
    const { written } = this;
    addText(written, delta['content']);
    addText(written, delta['refusal']);
    // Reasoning has three names, and who says it twice is not to be counted twice.
    const told = textOf(delta['reasoning_content']) ?? textOf(delta['reasoning']);
    if (told !== undefined) addText(written, told);
    else {
      for (const part of arrayOf(delta['reasoning_details'])) {
        if (isObject(part)) addText(written, part['text'] ?? part['summary']);
      }
    }
    for (const call of arrayOf(delta['tool_calls'])) {
      if (!isObject(call)) continue;
      this.#addCall(call['function'], 'arguments');
      this.#addCall(call['custom'], 'input');
    }
    this.#addCall(delta['function_call'], 'arguments');
    const audio = delta['audio'];
    if (!isObject(audio)) return;
    written.addHidden(textOf(audio['data'])?.length ?? 0);
    addText(written, audio['transcript']);
  }

  #addCall(call: JsonValue | undefined, argument: string): void {
    if (!isObject(call)) return;
    if (typeof call['name'] === 'string') {
      this.written.addFraming();
      addText(this.written, call['name']);
    }
    addText(this.written, call[argument]);
  }
}

function headerOf(chunk: JsonObject): JsonObject {
  const { choices: _, usage: __, obfuscation: ___, ...header } = chunk;
  return header;
}

function addText(written: Written, text: JsonValue | undefined): void {
  if (typeof text === 'string' && text !== '') written.add(text);
}
