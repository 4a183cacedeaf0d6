import {
  arrayOf,
  isObject,
  textOf,
  type JsonObject,
  type JsonValue,
} from '../../src/kernel/json.ts';
import type { FittedDialect } from './histories.ts';

/**
 * What a provider would refuse a request for: its rules of pairing, written down from its documentation and its error messages,
 * without any of the code under test. Empty: it would take it.
 */
export function refusals(dialect: FittedDialect, body: JsonObject): string[] {
  return judges[dialect](body);
}

const judges: Readonly<Record<FittedDialect, (body: JsonObject) => string[]>> = {
  'openai-chat': chatRefusals,
  'openai-responses': responsesRefusals,
  'anthropic-messages': anthropicRefusals,
};

const objects = (value: JsonValue | undefined): JsonObject[] => arrayOf(value).filter(isObject);
const idsOf = (blocks: readonly JsonObject[], member: string): string[] =>
  blocks.map((block) => textOf(block[member]) ?? '');

function chatRefusals(body: JsonObject): string[] {
  const faults: string[] = [];
  let open = new Set<string>();
  for (const message of objects(body['messages'])) {
    if (message['role'] === 'tool') {
      if (!open.delete(textOf(message['tool_call_id']) ?? '')) {
        faults.push('tool message without a preceding call');
      }
      continue;
    }
    if (open.size > 0) faults.push('a call is not answered before the next message');
    open = new Set(idsOf(objects(message['tool_calls']), 'id'));
  }
  if (open.size > 0) faults.push('a call is not answered');
  return faults;
}

function responsesRefusals(body: JsonObject): string[] {
  const items = objects(body['input']);
  const of = (type: string): string[] =>
    idsOf(
      items.filter((item) => item['type'] === type),
      'call_id',
    );
  const calls = of('function_call');
  const outputs = of('function_call_output');
  const faults: string[] = [];
  if (calls.some((id) => !outputs.includes(id))) faults.push('no tool output for a function call');
  if (outputs.some((id) => !calls.includes(id))) faults.push('no call for an output');
  if (new Set(calls).size < calls.length) faults.push('a call twice');
  items.forEach((item, index) => {
    const next = items[index + 1];
    const isAlone = next === undefined || next['role'] === 'user';
    if (item['type'] === 'reasoning' && isAlone) {
      faults.push('reasoning without its following item');
    }
  });
  return faults;
}

function anthropicRefusals(body: JsonObject): string[] {
  const faults: string[] = [];
  const messages = objects(body['messages']);
  if (messages[0]?.['role'] !== 'user') faults.push('the first message is not the user’s');
  messages.forEach((message, index) => {
    const blocks = objects(message['content']);
    const after = messages[index + 1];
    const before = messages[index - 1];
    const uses = idsOf(
      blocks.filter(({ type }) => type === 'tool_use'),
      'id',
    );
    const results = blocks.filter(({ type }) => type === 'tool_result');
    const answered = idsOf(
      objects(after?.['content']).filter(({ type }) => type === 'tool_result'),
      'tool_use_id',
    );
    const asked = idsOf(
      objects(before?.['content']).filter(({ type }) => type === 'tool_use'),
      'id',
    );
    if (uses.some((id) => !answered.includes(id))) faults.push('tool_use without tool_result');
    if (idsOf(results, 'tool_use_id').some((id) => !asked.includes(id))) {
      faults.push('unexpected tool_use_id');
    }
    if (blocks.slice(results.length).some(({ type }) => type === 'tool_result')) {
      faults.push('tool_result blocks must come first');
    }
    if (after !== undefined && message['role'] === 'assistant' && after['role'] === 'assistant') {
      faults.push('two assistant messages in a row');
    }
  });
  return faults;
}
