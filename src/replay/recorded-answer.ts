import type { DialectName } from '../exchange/dialect.ts';
import { isObject, textOf, type JsonObject, type JsonValue } from '../kernel/json.ts';

/** Whose models these are: what decides the dialect in which they are asked. */
export function modelFamily(model: string): 'anthropic' | 'openai' {
  return /(^|\/)claude/i.test(model) ? 'anthropic' : 'openai';
}

/** The dialect that a recorded request and its response are in; undefined where they are in none that we know. */
export function dialectOf(request: JsonObject, response: JsonObject): DialectName | undefined {
  if (response['type'] === 'message') return 'anthropic-messages';
  if (Array.isArray(response['output'])) return 'openai-responses';
  if (Array.isArray(response['data'])) return 'openai-embeddings';
  if (Array.isArray(response['choices'])) {
    const [first] = response['choices'] as JsonValue[];
    const isText = isObject(first) && first['message'] === undefined;
    return isText ? 'openai-completions' : 'openai-chat';
  }
  if (response['role'] !== 'assistant' && response['content'] === undefined) return undefined;
  const asksAnthropic =
    request['system'] !== undefined || modelFamily(textOf(request['model']) ?? '') === 'anthropic';
  return asksAnthropic && request['messages'] !== undefined ? 'anthropic-messages' : 'openai-chat';
}

/** The whole final message of a recorded response, which may be only the assistant's message; undefined where it has no content. */
export function answerOf(
  dialect: DialectName,
  response: JsonObject,
  model: string,
): JsonObject | undefined {
  if (dialect === 'anthropic-messages') return anthropicAnswer(response, model);
  if (dialect !== 'openai-chat' || Array.isArray(response['choices'])) return response;
  const { content, tool_calls: toolCalls } = response;
  if (content === undefined && toolCalls === undefined) return undefined;
  return {
    object: 'chat.completion',
    model,
    choices: [
      {
        index: 0,
        message: { ...response, content: content ?? null },
        logprobs: null,
        finish_reason: Array.isArray(toolCalls) && toolCalls.length > 0 ? 'tool_calls' : 'stop',
      },
    ],
  };
}

function anthropicAnswer(response: JsonObject, model: string): JsonObject | undefined {
  const { content } = response;
  if (response['type'] === 'message') return Array.isArray(content) ? response : undefined;
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  if (!Array.isArray(blocks)) return undefined;
  const usesTools = blocks.some((block) => isObject(block) && block['type'] === 'tool_use');
  return {
    type: 'message',
    role: 'assistant',
    model,
    content: blocks,
    stop_reason: usesTools ? 'tool_use' : 'end_turn',
    stop_sequence: null,
  };
}
