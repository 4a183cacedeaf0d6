import type { DialectName } from '../../exchange/dialect.ts';
import {
  arrayOf,
  isObject,
  parseJson,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../../kernel/json.ts';
import type { LaidOut } from '../layout.ts';
import { regionOf } from '../layout.ts';

/** Why a history is left as it came; a short token. */
export type Unsound =
  | 'orphan-result'
  | 'duplicate-id'
  | 'empty-content'
  | 'unknown-block'
  | 'not-a-message';

/** What is known of a conversation's pairs of tool calls and results; goes on with the conversation. */
export interface Soundness {
  /** Messages looked at. */
  count: number;
  /** Ids of tool calls that wait for their result. Some clients use an id again once it has been answered, which providers take. */
  readonly calls: Set<string>;
  fault: Unsound | undefined;
}

/** Larger messages are not looked into. */
const readableBytes = 128 * 1024;
const idsLimit = 10_000;

const known = new Set([
  // Anthropic
  'text',
  'image',
  'document',
  'search_result',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'tool_result',
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'mcp_tool_use',
  'mcp_tool_result',
  'container_upload',
  'compaction',
  // OpenAI
  'image_url',
  'input_audio',
  'file',
  'refusal',
  'input_text',
  'input_image',
  'input_file',
  'output_text',
  'summary_text',
  'reasoning_text',
  'audio',
]);

/**
 * Looks at the messages that are new since `before`. A history that is broken already (a result without its call, an id
 * twice at once, nothing in a message, a block of a kind that we do not know) is its client's and its provider's business: it is not edited.
 */
export function soundnessOf(
  dialect: DialectName,
  request: LaidOut,
  before: Soundness | undefined,
): Soundness {
  const { items, member } = regionOf(request.layout, 'messages')!;
  const known = before !== undefined && before.count <= items.length && before.fault === undefined;
  const state = known ? before : { count: 0, calls: new Set<string>(), fault: undefined };
  if (member.items === undefined) return { ...state, count: items.length };
  while (state.count < items.length && state.fault === undefined) {
    const { start, end } = items[state.count]!;
    state.count++;
    if (end - start > readableBytes) continue;
    const message = parseJson(request.body.toString('utf8', start, end));
    state.fault = isObject(message) ? faultOf(dialect, message, state) : 'not-a-message';
    if (state.calls.size > idsLimit) state.calls.clear();
  }
  return state;
}

function faultOf(dialect: DialectName, message: JsonObject, state: Soundness): Unsound | undefined {
  const type = textOf(message['type']);
  if (dialect === 'openai-responses' && type !== undefined && type !== 'message') {
    return itemFault(message, type, state);
  }
  const { content, role } = message;
  if (typeof message['tool_call_id'] === 'string' && role === 'tool') {
    if (!state.calls.delete(message['tool_call_id'])) return 'orphan-result';
    // A tool may have nothing to say.
    return blocksFault(content, state);
  }
  const calls = arrayOf(message['tool_calls']);
  for (const call of calls) {
    const fault = isObject(call) ? addCall(call['id'], state) : 'unknown-block';
    if (fault !== undefined) return fault;
  }
  const isSilent = calls.length > 0 || message['function_call'] !== undefined;
  if (isEmpty(content) && !isSilent && !isSaid(message)) return 'empty-content';
  return blocksFault(content, state);
}

/** An item of the responses dialect that is no message. */
function itemFault(item: JsonObject, type: string, state: Soundness): Unsound | undefined {
  if (type.endsWith('_call_output')) {
    return state.calls.delete(textOf(item['call_id']) ?? '') ? undefined : 'orphan-result';
  }
  return type.endsWith('_call') && item['call_id'] !== undefined
    ? addCall(item['call_id'], state)
    : undefined;
}

function blocksFault(content: JsonValue | undefined, state: Soundness): Unsound | undefined {
  for (const block of arrayOf(content)) {
    if (!isObject(block) || !known.has(textOf(block['type']) ?? '')) return 'unknown-block';
    const { type } = block;
    if (type === 'text' && block['text'] === '') return 'empty-content';
    if (type === 'tool_use') {
      const fault = addCall(block['id'], state);
      if (fault !== undefined) return fault;
    }
    if (type === 'tool_result' && !state.calls.delete(textOf(block['tool_use_id']) ?? '')) {
      return 'orphan-result';
    }
  }
  return undefined;
}

function addCall(id: JsonValue | undefined, { calls }: Soundness): Unsound | undefined {
  if (typeof id !== 'string' || id === '') return undefined;
  if (calls.has(id)) return 'duplicate-id';
  calls.add(id);
  return undefined;
}

function isEmpty(content: JsonValue | undefined): boolean {
  if (Array.isArray(content)) return content.length === 0;
  return content === undefined || content === null || content === '';
}

/** What an assistant says elsewhere than in its content. */
function isSaid(message: JsonObject): boolean {
  return ['refusal', 'audio', 'reasoning_content', 'reasoning'].some(
    (name) => isObject(message[name]) || typeof message[name] === 'string',
  );
}
