import {
  arrayOf,
  isObject,
  parseJson,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../kernel/json.ts';
import type { RecordedCall } from './recorded.ts';

/** What Anthropic requires and OpenAI does not; what most agents set. */
const defaultMaxTokens = 4096;

const stopReasons: Readonly<Record<string, string>> = {
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
};

/**
 * A recorded chat call as an agent would make it of a Claude model: system messages beside the turns, tool calls and
 * results as blocks, neighbours of one role in one turn. A conversation's calls keep their prefixes: the form
 * of a message depends only on what stands before it.
 */
export function asAnthropic(call: RecordedCall, model: string): RecordedCall {
  return {
    ...call,
    dialect: 'anthropic-messages',
    model,
    request: requestOf(call.request, model),
    answer: answerOf(call.answer, model),
  };
}

function requestOf(request: JsonObject, model: string): JsonObject {
  const { max_completion_tokens: limit, max_tokens: olderLimit, stop, tools } = request;
  const system: string[] = [];
  const messages: { role: 'user' | 'assistant'; content: JsonValue[] }[] = [];
  for (const message of arrayOf(request['messages'])) {
    if (!isObject(message)) continue;
    if (message['role'] === 'system' || message['role'] === 'developer') {
      system.push(textIn(message['content']));
      continue;
    }
    const role = message['role'] === 'assistant' ? 'assistant' : 'user';
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(...blocksOf(message));
    else messages.push({ role, content: blocksOf(message) });
  }
  return {
    model,
    max_tokens: limit ?? olderLimit ?? defaultMaxTokens,
    ...kept(request, ['stream', 'temperature', 'top_p', 'metadata']),
    ...(stop !== undefined && { stop_sequences: typeof stop === 'string' ? [stop] : stop }),
    ...(system.length > 0 && { system: system.join('\n\n') }),
    ...(Array.isArray(tools) && { tools: (tools as JsonValue[]).map(toolOf) }),
    messages,
  };
}

function kept(request: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.filter((name) => request[name] !== undefined).map((name) => [name, request[name]]),
  );
}

function toolOf(tool: JsonValue): JsonValue {
  const described = isObject(tool) ? tool['function'] : undefined;
  if (!isObject(described)) return tool;
  return {
    name: described['name'],
    ...kept(described, ['description']),
    input_schema: described['parameters'] ?? { type: 'object', properties: {} },
  };
}

function blocksOf(message: JsonObject): JsonValue[] {
  if (message['role'] === 'tool' || message['role'] === 'function') {
    const id = textOf(message['tool_call_id']) ?? textOf(message['name']) ?? '';
    return [{ type: 'tool_result', tool_use_id: id, content: textIn(message['content']) }];
  }
  const blocks: JsonValue[] = contentBlocks(message['content']);
  for (const call of arrayOf(message['tool_calls'])) {
    const called = isObject(call) ? call['function'] : undefined;
    if (!isObject(call) || !isObject(called)) continue;
    const written = textOf(called['arguments']) ?? '';
    const input = parseJson(written);
    blocks.push({
      type: 'tool_use',
      id: call['id'],
      name: called['name'],
      // Arguments that are no JSON object have no place in this dialect; they are kept as text so that nothing gets lost.
      input: isObject(input) ? input : { arguments: written },
    });
  }
  return blocks;
}

function contentBlocks(content: JsonValue | undefined): JsonValue[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return arrayOf(content).map((part) => {
    const url =
      isObject(part) && isObject(part['image_url']) ? part['image_url']['url'] : undefined;
    return url === undefined ? part : { type: 'image', source: { type: 'url', url } };
  });
}

function textIn(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return arrayOf(content)
    .map((part) => (isObject(part) ? (textOf(part['text']) ?? '') : ''))
    .join('');
}

function answerOf(answer: JsonObject, model: string): JsonObject {
  const [choice] = arrayOf(answer['choices']);
  const chosen = isObject(choice) ? choice : {};
  const message = isObject(chosen['message']) ? chosen['message'] : {};
  return {
    type: 'message',
    role: 'assistant',
    model,
    content: blocksOf({ ...message, role: 'assistant' }),
    stop_reason: stopReasons[textOf(chosen['finish_reason']) ?? ''] ?? 'end_turn',
    stop_sequence: null,
    ...lengthOf(answer['usage']),
  };
}

/** What the record counted of the answer; its input is counted anew, so it does not matter here. */
function lengthOf(usage: JsonValue | undefined): JsonObject {
  const output = isObject(usage) ? usage['completion_tokens'] : undefined;
  return output === undefined ? {} : { usage: { input_tokens: 0, output_tokens: output } };
}
