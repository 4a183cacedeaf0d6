import { isObject, parseJson, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { AnswerFacts, SseEvent, StreamAssembler } from '../dialect.ts';
import { AlikeJson } from './alike-json.ts';
import { messageFacts } from './anthropic-facts.ts';
import { updateUsage } from './anthropic-usage.ts';
import { addItems, addMember, type Growing } from './growing.ts';
import type { UnfitReason } from './unfit.ts';

/** A content block while it grows. */
interface OpenBlock {
  readonly block: Growing;
  /** The JSON text of a tool's input so far. */
  input: string;
}

/** What differs from one delta of a block to the next. */
export const changingInDeltas = ['text', 'thinking', 'partial_json'].map((name) => ({
  name,
  holder: (event: JsonObject) => event['delta'],
}));

/** Puts an Anthropic message stream together. */
export class MessageAssembler implements StreamAssembler {
  readonly #events = new AlikeJson(changingInDeltas);
  #message: Growing = {};
  readonly #usage: Growing = {};
  readonly #blocks = new Map<JsonValue | undefined, OpenBlock>();
  #stopped = false;
  /** Why there can be no final message. */
  #spoilt: UnfitReason | undefined;

  push(event: SseEvent): void {
    if (event.event === 'ping') return;
    const data = this.#events.parse(event.data);
    if (!isObject(data)) {
      this.#spoilt ??= 'incomplete';
      return;
    }
    switch (textOf(data['type']) ?? '') {
      case 'content_block_delta':
        this.#addDelta(data);
        break;
      case 'message_start':
        this.#start(data['message']);
        break;
      case 'content_block_start':
        this.#openBlock(data);
        break;
      case 'message_delta':
        this.#endMessage(data);
        break;
      case 'message_stop':
        this.#stopped = true;
        break;
      case 'error':
        this.#spoilt = 'error';
        break;
      // `content_block_stop` and `ping` bring nothing, and the API's own rules let it add events that may be passed over.
      default:
    }
  }

  finish(): { facts: AnswerFacts; final: JsonObject | undefined } {
    const content = [...this.#blocks.values()].map((open) => this.#closeBlock(open));
    const final = { ...this.#message, content, usage: this.#usage };
    const facts = messageFacts(final);
    if (!this.#stopped) this.#spoilt ??= 'incomplete';
    if (this.#spoilt !== undefined) {
      return { facts: { ...facts, unfit: this.#spoilt }, final: undefined };
    }
    return { facts, final: facts.unfit === 'inexact' ? undefined : final };
  }

  #start(message: JsonValue | undefined): void {
    if (!isObject(message)) return;
    this.#message = { ...message };
    updateUsage(this.#usage, message['usage']);
  }

  #openBlock(data: JsonObject): void {
    const block = data['content_block'];
    if (isObject(block)) this.#blocks.set(data['index'], { block: { ...block }, input: '' });
  }

  #addDelta(data: JsonObject): void {
    const open = this.#blocks.get(data['index']);
    const delta = data['delta'];
    if (open === undefined || !isObject(delta)) {
      this.#spoilt ??= 'incomplete';
      return;
    }
    const { block } = open;
    switch (textOf(delta['type']) ?? '') {
      case 'text_delta':
        addMember(block, 'text', delta['text']);
        break;
      case 'thinking_delta':
        addMember(block, 'thinking', delta['thinking']);
        break;
      case 'signature_delta':
        // It comes once and whole; Anthropic's own SDKs set it rather than add to it.
        block['signature'] = delta['signature'];
        break;
      case 'input_json_delta':
        open.input += textOf(delta['partial_json']) ?? '';
        break;
      case 'citations_delta':
        addItems(block, 'citations', [delta['citation'] ?? null]);
        break;
      default:
        // Nobody can say what an unknown delta does to its block.
        this.#spoilt ??= 'unfamiliar';
    }
  }

  /** Takes why and how the message ended; other members of event and delta belong to the message as well. */
  #endMessage(data: JsonObject): void {
    const { type: _, delta, usage, ...others } = data;
    Object.assign(this.#message, others, isObject(delta) ? delta : {});
    updateUsage(this.#usage, usage);
  }

  #closeBlock({ block, input }: OpenBlock): JsonObject {
    if (input === '') return block;
    const parsed = parseJson(input);
    // A tool call that the token limit cut has no input that could be told in a plain answer.
    if (parsed === undefined) this.#spoilt ??= 'incomplete';
    return { ...block, input: parsed ?? input };
  }
}
