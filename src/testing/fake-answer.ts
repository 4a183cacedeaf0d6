import type { DialectName } from '../exchange/dialect.ts';
import { digestOf } from '../kernel/digest.ts';
import { arrayOf, isObject, textOf, type JsonObject, type JsonValue } from '../kernel/json.ts';
import type { FakeCall } from './fake-call.ts';

/** What the model is to say, whatever the dialect. */
export interface FakeAnswer {
  readonly text?: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: JsonObject }[];
  /** Overrides members of the final message, such as `service_tier`. */
  readonly extra?: JsonObject;
}

/** Bytes to send as they are, such as a recorded fixture. */
export interface FakeBytes {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly status?: number;
}

/** Without a script the model repeats the beginning of what it was asked last. */
export function parrot(call: FakeCall): FakeAnswer {
  return { text: `You said: ${lastText(call.json ?? {}).slice(0, 120)}` };
}

/** The text of the newest message or input. */
export function lastText(body: JsonObject): string {
  const turns = body['messages'] ?? body['input'] ?? body['prompt'];
  if (typeof turns === 'string') return turns;
  const last = arrayOf(turns).at(-1);
  if (typeof last === 'string') return last;
  const content = isObject(last) ? last['content'] : undefined;
  if (typeof content === 'string') return content;
  const texts = arrayOf(content).map((part) => (isObject(part) ? textOf(part['text']) : undefined));
  return texts.filter((text) => text !== undefined).join('\n');
}

/** The final message in a dialect's own form, as a provider would send it but for its usage. Ids depend on `seed` alone. */
export function finalOf(
  dialect: DialectName,
  answer: FakeAnswer,
  { model, seed, created }: { model: string; seed: string; created: number },
): JsonObject {
  const id = digestOf(seed).replaceAll(/[-_]/g, '0').slice(0, 24);
  const named = { model, created };
  return { ...forms[dialect](answer, { ...named, id }), ...answer.extra };
}

interface Naming {
  readonly id: string;
  readonly model: string;
  readonly created: number;
}

const forms: Record<DialectName, (answer: FakeAnswer, naming: Naming) => JsonObject> = {
  'openai-chat': chatFinal,
  'openai-responses': responsesFinal,
  'openai-completions': ({ text = '' }, { id, model, created }) => ({
    id: `cmpl-${id}`,
    object: 'text_completion',
    created,
    model,
    choices: [{ text, index: 0, logprobs: null, finish_reason: 'stop' }],
  }),
  'openai-embeddings': (_answer, { model }) => ({ object: 'list', data: [], model }),
  'anthropic-messages': anthropicFinal,
  'anthropic-count-tokens': () => ({}),
};

function chatFinal(answer: FakeAnswer, { id, model, created }: Naming): JsonObject {
  const calls = (answer.toolCalls ?? []).map((call, index) => ({
    id: `call_${id}${index}`,
    type: 'function',
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }));
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: answer.text ?? null,
          ...(answer.reasoning !== undefined && { reasoning_content: answer.reasoning }),
          ...(calls.length > 0 && { tool_calls: calls }),
          refusal: null,
          annotations: [],
        },
        logprobs: null,
        finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
      },
    ],
    service_tier: 'default',
    system_fingerprint: 'fp_economizer',
  };
}

function responsesFinal(answer: FakeAnswer, { id, model, created }: Naming): JsonObject {
  const output: JsonValue[] = [];
  if (answer.reasoning !== undefined) {
    const summary = [{ type: 'summary_text', text: answer.reasoning }];
    output.push({ id: `rs_${id}`, type: 'reasoning', summary });
  }
  if (answer.text !== undefined) {
    const content = [{ type: 'output_text', annotations: [], logprobs: [], text: answer.text }];
    output.push({
      id: `msg_${id}`,
      type: 'message',
      status: 'completed',
      content,
      role: 'assistant',
    });
  }
  for (const [index, call] of (answer.toolCalls ?? []).entries()) {
    output.push({
      id: `fc_${id}${index}`,
      type: 'function_call',
      status: 'completed',
      arguments: JSON.stringify(call.arguments),
      call_id: `call_${id}${index}`,
      name: call.name,
    });
  }
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: created,
    status: 'completed',
    error: null,
    incomplete_details: null,
    instructions: null,
    model,
    output,
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
  };
}

function anthropicFinal(answer: FakeAnswer, { id, model }: Naming): JsonObject {
  const content: JsonValue[] = [];
  if (answer.reasoning !== undefined) {
    content.push({ type: 'thinking', thinking: answer.reasoning, signature: `sig_${id}` });
  }
  if (answer.text !== undefined) content.push({ type: 'text', text: answer.text });
  for (const [index, call] of (answer.toolCalls ?? []).entries()) {
    content.push({
      type: 'tool_use',
      id: `toolu_${id}${index}`,
      name: call.name,
      input: call.arguments,
    });
  }
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: (answer.toolCalls ?? []).length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
  };
}
