import {
  countOf,
  isObject,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../../../kernel/json.ts';
import type { SseEvent } from '../../dialect.ts';
import { AlikeJson } from '../alike-json.ts';
import { changingInDeltas } from '../anthropic-assembler.ts';
import type { Ending, StreamMeter } from './stream-meter.ts';
import { Written } from './written.ts';

/** Follows Anthropic's message streams. */
export class MessageMeter implements StreamMeter {
  readonly written = new Written();
  told: number | undefined;
  ended = false;
  readonly #events = new AlikeJson(changingInDeltas);
  /** Indexes of blocks that have begun and not ended. */
  readonly #open = new Set<JsonValue>();

  push(event: SseEvent): void {
    if (event.event === 'ping') return;
    const data = this.#events.parse(event.data);
    if (!isObject(data)) return;
    switch (textOf(data['type']) ?? '') {
      case 'content_block_delta':
        this.#addDelta(data['delta']);
        break;
      case 'content_block_start':
        this.#open.add(data['index'] ?? 0);
        this.written.addFraming();
        this.#addBlock(data['content_block']);
        break;
      case 'content_block_stop':
        this.#open.delete(data['index'] ?? 0);
        break;
      case 'message_delta':
        // Its count is of the whole message.
        if (isObject(data['usage'])) this.told = countOf(data['usage']['output_tokens']);
        this.ended = true;
        break;
      case 'message_stop':
      case 'error':
        this.ended = true;
        break;
      default:
    }
  }

  closing({ outputTokens }: Ending): SseEvent[] {
    const events = [...this.#open].map((index) => named('content_block_stop', { index }));
    const delta = { stop_reason: 'max_tokens', stop_sequence: null };
    events.push(named('message_delta', { delta, usage: { output_tokens: outputTokens } }));
    events.push(named('message_stop', {}));
    return events;
  }

  /** A block may come whole where it begins. */
  #addBlock(block: JsonValue | undefined): void {
    if (!isObject(block)) return;
    for (const name of ['name', 'text', 'thinking'] as const) this.#add(block[name]);
    this.written.addHidden(textOf(block['data'])?.length ?? 0);
  }

  #addDelta(delta: JsonValue | undefined): void {
    if (!isObject(delta)) return;
    this.#add(delta['text']);
    this.#add(delta['partial_json']);
    this.#add(delta['thinking']);
    this.written.addHidden(textOf(delta['signature'])?.length ?? 0);
  }

  #add(text: JsonValue | undefined): void {
    if (typeof text === 'string' && text !== '') this.written.add(text);
  }
}

function named(type: string, members: JsonObject): SseEvent {
  return { event: type, data: JSON.stringify({ type, ...members }) };
}
