import { isObject, parseJson, textOf, type JsonObject, type JsonValue } from '../kernel/json.ts';
import { lineFault } from './line-fault.ts';
import type { Line } from './lines.ts';
import { answerOf, dialectOf, modelFamily } from './recorded-answer.ts';
import type { RecordedCall, RecordedSession } from './recorded.ts';

const unnamedTenant = 'default';
const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

/**
 * Reads one line of a traffic file, in either of the two forms.
 * @param model taken where the line names none.
 * @throws EconomizerError `ECO_FILE` that names file, line and what is missing.
 */
export function readSession(line: Line, model?: string): RecordedSession {
  const record = parseJson(line.text);
  if (!isObject(record)) throw lineFault(line, 'this is not a JSON object; each line must be one.');
  const named = {
    tenant: textOf(record['tenant']) ?? unnamedTenant,
    agent: textOf(record['agent']),
    session: textOf(record['session']),
  };
  if (record['request'] !== undefined) {
    return { ...named, calls: [readCall(line, record, model)], chained: false };
  }
  if (!Array.isArray(record['messages'])) {
    throw lineFault(
      line,
      'a conversation needs "messages" (a list), a call needs "request" and "response".',
    );
  }
  return { ...named, calls: readConversation(line, record, model), chained: true };
}

/** Each assistant message is the answer to a call whose request is everything before it. */
function readConversation(line: Line, record: JsonObject, other?: string): RecordedCall[] {
  const model = textOf(record['model']) ?? other;
  if (model === undefined)
    throw lineFault(line, 'a conversation needs a "model" (text), or give --model MODEL for all.');
  const { tools } = record;
  if (tools !== undefined && !Array.isArray(tools))
    throw lineFault(line, '"tools" must be a list.');
  const messages: JsonObject[] = [];
  const calls: RecordedCall[] = [];
  for (const [index, message] of (record['messages'] as JsonValue[]).entries()) {
    if (!isObject(message) || !roles.has(textOf(message['role']) ?? '')) {
      throw lineFault(line, `message ${index + 1} needs a "role": ${[...roles].join(', ')}.`);
    }
    const { at_ms: at, ...rest } = message;
    if (message['role'] === 'assistant' && index > 0) {
      const request = {
        model,
        messages: messages.slice(),
        ...(tools !== undefined && tools.length > 0 && { tools }),
      };
      const answer = answerOf('openai-chat', rest, model);
      if (answer === undefined) throw lineFault(line, `message ${index + 1} has no content.`);
      calls.push({ atMs: timeOf(line, at), dialect: 'openai-chat', model, request, answer });
    }
    messages.push(rest);
  }
  return calls;
}

function readCall(line: Line, record: JsonObject, other?: string): RecordedCall {
  const { request, response } = record;
  if (!isObject(request))
    throw lineFault(line, '"request" must be an object: the body of the call.');
  if (!isObject(response)) {
    throw lineFault(line, 'a call needs "response", an object: the answer that it got.');
  }
  const model = textOf(request['model']) ?? other;
  if (model === undefined)
    throw lineFault(line, '"request" needs a "model" (text), or give --model MODEL for all.');
  const atMs = timeOf(line, record['at_ms']);
  const dialect = dialectOf(request, response);
  const answer = dialect === undefined ? undefined : answerOf(dialect, response, model);
  if (dialect === undefined || answer === undefined) {
    throw lineFault(
      line,
      `"response" is no answer of a known form (${modelFamily(model) === 'anthropic' ? 'a message with "content"' : 'a chat completion with "choices", a response with "output", or an assistant message'}).`,
    );
  }
  return { atMs, dialect, model, request: { ...request, model }, answer };
}

function timeOf(line: Line, value: JsonValue | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw lineFault(line, '"at_ms" must be a number of milliseconds, at least 0.');
}
