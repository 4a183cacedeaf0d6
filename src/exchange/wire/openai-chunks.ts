import { isObject, parseJson, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { AnswerFacts, SseEvent, StreamAssembler } from '../dialect.ts';
import { AlikeJson } from './alike-json.ts';
import { replaceMember, type Growing } from './growing.ts';
import { choicesFacts } from './openai-choices.ts';

/** What tells the chunk streams of chat and of legacy completions apart. */
export interface ChunkForm {
  /** The `object` of the final message. */
  readonly object: string;
  /** Adds one streamed choice to what came of it before. */
  addChoice(choice: Growing, part: JsonObject): void;
}

/** The event that closes a stream of chunks. */
export const doneEvent: SseEvent = { event: undefined, data: '[DONE]' };

/** The word of a chunk, in chat and in legacy completions, and what OpenAI adds to hide its length. */
export const changingInChunks = [
  { name: 'content', holder: (chunk: JsonObject) => onlyChoice(chunk)?.['delta'] },
  { name: 'text', holder: (chunk: JsonObject) => onlyChoice(chunk) },
  { name: 'obfuscation', holder: (chunk: JsonObject) => chunk },
];

function onlyChoice({ choices }: JsonObject): JsonObject | undefined {
  const [choice, ...others] = Array.isArray(choices) ? (choices as readonly JsonValue[]) : [];
  return others.length === 0 && isObject(choice) ? choice : undefined;
}

/** Puts OpenAI's chunk streams together. */
export class ChunkAssembler implements StreamAssembler {
  readonly #form: ChunkForm;
  readonly #chunks = new AlikeJson(changingInChunks);
  readonly #header: Growing = {};
  readonly #choices = new Map<number, Growing>();
  /** `[DONE]` came, or where a server never sends it, the chunk that brings nothing but usage after all choices ended. */
  #closed = false;
  #failed = false;
  #torn = false;

  constructor(form: ChunkForm) {
    this.#form = form;
  }

  push(event: SseEvent): void {
    if (event.data === doneEvent.data) {
      this.#closed = true;
      return;
    }
    const chunk = this.#chunks.parse(event.data);
    if (!isObject(chunk)) this.#torn = true;
    else if (isObject(chunk['error']) || event.event === 'error') this.#failed = true;
    else this.#add(chunk);
  }

  finish(): { facts: AnswerFacts; final: JsonObject | undefined } {
    const choices = [...this.#choices].sort(([a], [b]) => a - b).map(([, choice]) => choice);
    const { id, created, model, usage, ...rest } = this.#header;
    const message: Growing = { id, object: this.#form.object, created, model, choices };
    if (usage !== undefined) message['usage'] = usage;
    const final = withoutUndefined({ ...message, ...rest });
    const facts = choicesFacts(final);
    if (this.#failed) return { facts: { ...facts, unfit: 'error' }, final: undefined };
    if (this.#closed && !this.#torn && this.#allFinished()) return { facts, final };
    return { facts: { ...facts, unfit: 'incomplete' }, final: undefined };
  }

  #add(chunk: JsonObject): void {
    for (const name in chunk) {
      const value = chunk[name];
      if (name === 'choices') this.#addChoices(value);
      else if (name === 'usage') this.#noteUsage(chunk, value);
      else if (name !== 'object' && name !== 'obfuscation' && this.#header[name] !== value) {
        replaceMember(this.#header, name, value);
      }
    }
  }

  #addChoices(parts: JsonValue | undefined): void {
    if (!Array.isArray(parts)) return;
    for (const part of parts as readonly JsonValue[]) {
      if (!isObject(part)) continue;
      const index = typeof part['index'] === 'number' ? part['index'] : 0;
      let choice = this.#choices.get(index);
      if (choice === undefined) {
        choice = { index };
        this.#choices.set(index, choice);
      }
      this.#form.addChoice(choice, part);
    }
  }

  /** Usage counts the whole so far, so that the last one holds. */
  #noteUsage(chunk: JsonObject, usage: JsonValue | undefined): void {
    if (!isObject(usage)) return;
    this.#header['usage'] = usage;
    if (holdsNoChoice(chunk) && this.#allFinished()) this.#closed = true;
  }

  #allFinished(): boolean {
    for (const choice of this.#choices.values()) {
      if (typeof choice['finish_reason'] !== 'string') return false;
    }
    return this.#choices.size > 0;
  }
}

/** True for the last chunk of a stream that was asked for its usage: no choices, only the count. */
export function isUsageChunk(event: SseEvent): boolean {
  if (!event.data.includes('"usage"')) return false;
  const chunk = parseJson(event.data);
  return isObject(chunk) && isObject(chunk['usage']) && holdsNoChoice(chunk);
}

function holdsNoChoice(chunk: JsonObject): boolean {
  const choices = chunk['choices'];
  return Array.isArray(choices) && choices.length === 0;
}

/** The events of a stream: what each chunk has in common with `final` around each of `parts`, usage and end behind them. */
export function chunkEvents(
  final: JsonObject,
  options: {
    readonly object: string;
    readonly usage: boolean;
    readonly parts: readonly JsonObject[];
  },
): SseEvent[] {
  const { id, created, model, choices: _, usage, object: __, ...rest } = final;
  const header = { id, object: options.object, created, model, ...rest };
  const asked = options.usage && isObject(usage);
  const events: SseEvent[] = [];
  for (const part of options.parts) {
    const chunk = { ...header, choices: [part], ...(asked ? { usage: null } : {}) };
    events.push({ event: undefined, data: JSON.stringify(chunk) });
  }
  if (asked) {
    events.push({ event: undefined, data: JSON.stringify({ ...header, choices: [], usage }) });
  }
  events.push(doneEvent);
  return events;
}

/** One after the other from each list in turn, as choices that are drawn side by side arrive. */
export function inTurn(lists: readonly (readonly JsonObject[])[]): JsonObject[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const merged: JsonObject[] = [];
  for (let index = 0; index < longest; index++) {
    for (const list of lists) if (list[index] !== undefined) merged.push(list[index]!);
  }
  return merged;
}

function withoutUndefined(object: Growing): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
