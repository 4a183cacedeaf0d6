import type { JsonObject, JsonValue } from '../../src/kernel/json.ts';
import { isObject } from '../../src/kernel/json.ts';

/** A conversation of a traffic file, as `replay` reads it. */
export interface Conversation extends JsonObject {
  readonly model: string;
  readonly messages: readonly JsonObject[];
}

/** One call of a traffic file. */
export type RecordedLine = JsonObject;

/** What clients do to their prefixes, each told which call of how many it is. */
export type Fault = (request: JsonObject, call: number, random: () => number) => JsonObject;

/** The faults by the cause under which the doctor should name them. */
export const faults: Readonly<Record<string, Fault>> = {
  'timestamp-in-system': (request, call, random) => {
    const day = Math.floor(random() * 86_400_000);
    const time = new Date(Date.UTC(2026, 10, 25) + day + call * 61_000).toISOString();
    return inSystem(request, (text) => `Current time: ${time}\n${text}`);
  },
  'id-in-system': (request, call, random) => {
    const id = Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
    return inSystem(request, (text) => `${text}\n\nRequest: req_${id}${call}`);
  },
  'tools-reordered': (request, _call, random) => ({
    ...request,
    ...(Array.isArray(request['tools']) && {
      tools: shuffled(request['tools'] as JsonValue[], random),
    }),
  }),
  'tools-reserialised': (request, _call, random) => ({
    ...request,
    ...(Array.isArray(request['tools']) && {
      tools: (request['tools'] as JsonValue[]).map((tool) => keysShuffled(tool, random)),
    }),
  }),
};

/** The calls of a conversation, each with the fault of its own, in the form in which calls are recorded. */
export function faultyCalls(
  conversation: Conversation,
  fault: Fault,
  options: { readonly random: () => number; readonly startMs: number; readonly gapMs: number },
): RecordedLine[] {
  const lines: RecordedLine[] = [];
  const { messages, model, tools } = conversation;
  for (const [index, message] of messages.entries()) {
    if (message['role'] !== 'assistant' || index === 0) continue;
    const { at_ms: _at, ...response } = message;
    const history = messages.slice(0, index).map(({ at_ms: _time, ...rest }) => rest);
    const request: JsonObject = {
      model,
      messages: history,
      ...(Array.isArray(tools) && tools.length > 0 && { tools }),
    };
    lines.push({
      session: conversation['session'],
      agent: conversation['agent'],
      at_ms: options.startMs + lines.length * options.gapMs,
      request: fault(request, lines.length, options.random),
      response,
    });
  }
  return lines;
}

/** The request with its system prompt rewritten; one is put first where there is none. */
function inSystem(request: JsonObject, rewrite: (text: string) => string): JsonObject {
  const messages = request['messages'] as readonly JsonObject[];
  const [first, ...rest] = messages;
  if (first?.['role'] === 'system' && typeof first['content'] === 'string') {
    return { ...request, messages: [{ ...first, content: rewrite(first['content']) }, ...rest] };
  }
  return { ...request, messages: [{ role: 'system', content: rewrite(usualSystem) }, ...messages] };
}

const usualSystem = 'You are a careful software engineer.';

function keysShuffled(value: JsonValue, random: () => number): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue) => keysShuffled(each, random));
  if (!isObject(value)) return value;
  const entries = shuffled(Object.entries(value), random);
  return Object.fromEntries(
    entries.map(([name, each]) => [name, keysShuffled(each as JsonValue, random)]),
  );
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const list = items.slice();
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [list[index], list[other]] = [list[other]!, list[index]!];
  }
  return list;
}
