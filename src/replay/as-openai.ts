import { arrayOf, isObject, textOf, type JsonObject, type JsonValue } from '../kernel/json.ts';
import type { RecordedCall } from './recorded.ts';

const finishReasons: Readonly<Record<string, string>> = {
  max_tokens: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};

/**
 * A recorded call of a Claude model as an agent would make it in OpenAI's chat dialect. Marks for the prompt cache are left out, as that
 * dialect caches by itself, and thinking, which it has no place for.
 */
export function asOpenaiChat(call: RecordedCall, model: string): RecordedCall {
  return {
    ...call,
    dialect: 'openai-chat',
    model,
    request: requestOf(call.request, model),
    answer: answerOf(call.answer, model),
  };
}

function requestOf(request: JsonObject, model: string): JsonObject {
  const { system, tools, max_tokens: limit, stop_sequences: stop } = request;
  const { stream, temperature, top_p: topP } = request;
  const instructions = textIn(system);
  return {
    model,
    messages: [
      ...(instructions === '' ? [] : [{ role: 'system', content: instructions }]),
      ...arrayOf(request['messages']).flatMap((turn) => (isObject(turn) ? messagesOf(turn) : [])),
    ],
    ...(limit !== undefined && { max_completion_tokens: limit }),
    ...(stream !== undefined && { stream }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(stop !== undefined && { stop }),
    ...(Array.isArray(tools) && { tools: (tools as JsonValue[]).map(toolOf) }),
  };
}

function toolOf(tool: JsonValue): JsonValue {
  if (!isObject(tool)) return tool;
  const { name, description, input_schema: parameters } = tool;
  return { type: 'function', function: { name, description, parameters } };
}

/** A turn as messages: tool results are messages of their own there, before what the user says. */
function messagesOf(turn: JsonObject): JsonObject[] {
  const { content } = turn;
  if (turn['role'] === 'assistant') return [assistantMessage(content)];
  if (typeof content === 'string') return [{ role: 'user', content }];
  const blocks = arrayOf(content).filter(isObject);
  const results = blocks.filter(({ type }) => type === 'tool_result');
  const parts = blocks.filter(({ type }) => type !== 'tool_result').map(partOf);
  return [
    ...results.map(({ tool_use_id: id, content: found }) => ({
      role: 'tool',
      tool_call_id: id,
      content: textIn(found),
    })),
    ...(parts.length === 0 ? [] : [{ role: 'user', content: parts }]),
  ];
}

function partOf(block: JsonObject): JsonObject {
  const { cache_control: _mark, ...part } = block;
  const { source } = part;
  if (part['type'] !== 'image' || !isObject(source)) return part;
  const inline = `data:${textOf(source['media_type'])};base64,${textOf(source['data'])}`;
  return { type: 'image_url', image_url: { url: source['url'] ?? inline } };
}

function assistantMessage(content: JsonValue | undefined): JsonObject {
  const uses = arrayOf(content).filter((block) => isObject(block) && block['type'] === 'tool_use');
  const text = textIn(content);
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    ...(uses.length > 0 && { tool_calls: uses.filter(isObject).map(toolCallOf) }),
  };
}

function toolCallOf({ id, name, input }: JsonObject): JsonObject {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function textIn(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return arrayOf(content)
    .map((block) => (isObject(block) && block['type'] === 'text' ? textOf(block['text']) : ''))
    .join('');
}

function answerOf(answer: JsonObject, model: string): JsonObject {
  const { content, stop_reason: reason, usage } = answer;
  const written = isObject(usage) ? usage['output_tokens'] : undefined;
  return {
    object: 'chat.completion',
    model,
    choices: [
      {
        index: 0,
        message: assistantMessage(content),
        logprobs: null,
        finish_reason: finishReasons[textOf(reason) ?? ''] ?? 'stop',
      },
    ],
    // Its input is counted anew; only the length of the answer is taken over.
    ...(written !== undefined && { usage: { prompt_tokens: 0, completion_tokens: written } }),
  };
}
