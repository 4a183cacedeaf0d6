import { arrayOf, isObject, parseJson, textOf, type JsonObject } from '../../kernel/json.ts';
import type { AnswerFacts, SseEvent, StreamAssembler } from '../dialect.ts';
import { responsesFacts } from './openai-responses-facts.ts';

/** Events that carry the whole response as it stands. */
const lifecycle = new Set([
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.completed',
  'response.incomplete',
  'response.failed',
]);

/** Puts a responses stream together. The closing event brings the whole, so that little is parsed on the way. */
export class ResponsesAssembler implements StreamAssembler {
  #response: JsonObject = {};
  #ended: 'completed' | 'incomplete' | undefined;
  #failed = false;
  /** Deltas and finished items, unparsed: they matter only where the closing event is missing or leaves them out. */
  readonly #deltas: string[] = [];
  readonly #items: string[] = [];

  push(event: SseEvent): void {
    const type = event.event ?? typeIn(event.data);
    if (lifecycle.has(type)) this.#takeResponse(type, event.data);
    else if (type === 'error') this.#failed = true;
    else if (type === 'response.output_item.done') this.#items.push(event.data);
    else if (type.endsWith('.delta')) this.#deltas.push(event.data);
  }

  finish(): { facts: AnswerFacts; final: JsonObject | undefined } {
    const facts = responsesFacts(this.#response);
    if (this.#failed) return { facts: this.#cut(facts, 'error'), final: undefined };
    if (this.#ended === undefined)
      return { facts: this.#cut(facts, 'incomplete'), final: undefined };
    return { facts, final: this.#response };
  }

  #takeResponse(type: string, data: string): void {
    const event = parseJson(data);
    if (!isObject(event) || !isObject(event['response'])) return;
    this.#response = event['response'];
    if (type === 'response.failed') this.#failed = true;
    else if (type === 'response.completed') this.#ended = 'completed';
    else if (type === 'response.incomplete') this.#ended = 'incomplete';
    if (this.#ended !== undefined) this.#fillOutput();
  }

  /** Some servers close with a response whose output is empty; its items have all come before. */
  #fillOutput(): void {
    if (arrayOf(this.#response['output']).length > 0 || this.#items.length === 0) return;
    const events = this.#items.map(parseJson).filter(isObject);
    const placeOf = (event: JsonObject): number => Number(event['output_index'] ?? 0);
    events.sort((a, b) => placeOf(a) - placeOf(b));
    this.#response = { ...this.#response, output: events.map((event) => event['item'] ?? null) };
  }

  /** The facts of a stream that broke off: what was written is in its deltas. */
  #cut(facts: AnswerFacts, unfit: 'error' | 'incomplete'): AnswerFacts {
    if (facts.outputText !== '') return { ...facts, unfit };
    let outputText = '';
    for (const data of this.#deltas) {
      const event = parseJson(data);
      if (isObject(event)) outputText += textOf(event['delta']) ?? '';
    }
    return { ...facts, unfit, outputText };
  }
}

/** Servers that leave the event's name out say it in the data. */
function typeIn(data: string): string {
  const event = parseJson(data);
  return (isObject(event) ? textOf(event['type']) : undefined) ?? '';
}
