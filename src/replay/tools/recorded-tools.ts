import {
  arrayOf,
  isObject,
  parseJson,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../../kernel/json.ts';
import { lineFault } from '../line-fault.ts';
import type { Line } from '../lines.ts';

/** A call of a tool as it was recorded in a conversation. */
export interface RecordedToolCall {
  readonly name: string;
  readonly arguments: JsonValue;
  /** What the tool gave, as the model saw it. */
  readonly result: string;
  readonly failed: boolean;
  /** How long it took in milliseconds; undefined where the record gives no times. */
  readonly tookMs: number | undefined;
}

export interface ToolSession {
  /** Whose calls they are: the session stands for a user, unless the record names one. */
  readonly user: string;
  readonly calls: readonly RecordedToolCall[];
}

/**
 * The calls of tools in one conversation, in the order in which their results came. Calls without a result are left out.
 * @throws EconomizerError `ECO_FILE` that names file and line.
 */
export function readToolSession(line: Line): ToolSession {
  const record = parseJson(line.text);
  if (!isObject(record)) throw lineFault(line, 'this is not a JSON object; each line must be one.');
  const messages = messagesOf(record);
  if (messages === undefined) {
    throw lineFault(line, 'a conversation needs "messages" (a list), a call needs "request".');
  }
  const user = textOf(record['user']) ?? textOf(record['session']) ?? `line ${line.number}`;
  const asked = new Map<string, Asked>();
  const calls: RecordedToolCall[] = [];
  for (const message of messages) {
    if (!isObject(message)) continue;
    const atMs = typeof message['at_ms'] === 'number' ? message['at_ms'] : undefined;
    for (const call of callsIn(message)) asked.set(call.id, { ...call, atMs });
    for (const { id, result, failed } of resultsIn(message)) {
      const call = asked.get(id);
      asked.delete(id);
      if (call === undefined) continue;
      const tookMs = atMs === undefined || call.atMs === undefined ? undefined : atMs - call.atMs;
      calls.push({ name: call.name, arguments: call.arguments, result, failed, tookMs });
    }
  }
  return { user, calls };
}

function messagesOf({ messages, request }: JsonObject): readonly JsonValue[] | undefined {
  const found = isObject(request) ? request['messages'] : messages;
  return Array.isArray(found) ? (found as readonly JsonValue[]) : undefined;
}

interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: JsonValue;
}

interface Asked extends Call {
  readonly atMs: number | undefined;
}

/** Calls that a model made in this message, in the forms of OpenAI and Anthropic. */
function callsIn(message: JsonObject): readonly Call[] {
  const calls: Call[] = [];
  for (const call of arrayOf(message['tool_calls'])) {
    if (!isObject(call) || !isObject(call['function'])) continue;
    const { name, arguments: text } = call['function'];
    const given = parseJson(textOf(text) ?? '') ?? textOf(text) ?? null;
    calls.push({ id: textOf(call['id']) ?? '', name: textOf(name) ?? '', arguments: given });
  }
  for (const block of arrayOf(message['content'])) {
    if (!isObject(block) || block['type'] !== 'tool_use') continue;
    const { id, name, input } = block;
    calls.push({ id: textOf(id) ?? '', name: textOf(name) ?? '', arguments: input ?? null });
  }
  return calls;
}

interface Result {
  readonly id: string;
  readonly result: string;
  readonly failed: boolean;
}

function resultsIn(message: JsonObject): readonly Result[] {
  if (message['role'] === 'tool') {
    const result = wordsOf(message['content']);
    // OpenAI's form has no place for it; this is how tools tell.
    const failed = /^(?:error|exception|traceback)\b/i.test(result);
    return [{ id: textOf(message['tool_call_id']) ?? '', result, failed }];
  }
  return arrayOf(message['content']).flatMap((block) => {
    if (!isObject(block) || block['type'] !== 'tool_result') return [];
    const { tool_use_id: id, content, is_error: isError } = block;
    return [{ id: textOf(id) ?? '', result: wordsOf(content), failed: isError === true }];
  });
}

function wordsOf(content: JsonValue | undefined): string {
  return typeof content === 'string' ? content : JSON.stringify(content ?? null);
}
