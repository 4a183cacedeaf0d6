import { arrayOf, isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { SseEvent } from '../dialect.ts';
import { piecesOf, type Growing } from './growing.ts';
import { chunkEvents, inTurn } from './openai-chunks.ts';

/** The stream that brings a `chat.completion`. */
export function chatEvents(final: JsonObject, options: { readonly usage: boolean }): SseEvent[] {
  const choices = arrayOf(final['choices']).filter(isObject);
  return chunkEvents(final, {
    object: 'chat.completion.chunk',
    usage: options.usage,
    parts: inTurn(choices.map(choiceParts)),
  });
}

/** One choice as its chunks: the role, then what the model wrote, then why it stopped. */
function choiceParts(choice: JsonObject): JsonObject[] {
  const { index, message, logprobs, finish_reason, ...others } = choice;
  const deltas = isObject(message) ? messageDeltas(message) : [];
  const silent = logprobs === undefined ? undefined : null;
  const parts: Growing[] = deltas.map((delta) => ({
    index,
    delta,
    logprobs: silent,
    finish_reason: null,
  }));
  parts.push({ index, delta: {}, logprobs: silent, finish_reason, ...others });
  if (isObject(logprobs)) {
    // They belong to the text; with no text at all the closing chunk takes them.
    const spoken = deltas.findIndex((delta) => isSpoken(delta['content'], delta['refusal']));
    parts[spoken < 0 ? parts.length - 1 : spoken]!['logprobs'] = logprobs;
  }
  return parts;
}

function isSpoken(...texts: readonly (JsonValue | undefined)[]): boolean {
  return texts.some((text) => typeof text === 'string' && text !== '');
}

/** Members whose text comes in pieces, in the order in which a model brings them. */
const pieced = ['reasoning_content', 'reasoning', 'content', 'refusal'] as const;

function messageDeltas(message: JsonObject): JsonObject[] {
  const { tool_calls, function_call, audio, ...plain } = message;
  const first: Growing = { ...plain };
  const deltas: JsonObject[] = [first];
  for (const name of pieced) {
    const text = plain[name];
    if (typeof text !== 'string') continue;
    // The first chunk announces content by an empty text, the other members not at all.
    if (name === 'content' || text === '') first[name] = '';
    else delete first[name];
    for (const piece of piecesOf(text)) deltas.push({ [name]: piece });
  }
  if (Array.isArray(tool_calls)) deltas.push(...toolCallDeltas(first, tool_calls));
  else if (tool_calls !== undefined) first['tool_calls'] = tool_calls;
  if (isObject(function_call)) deltas.push(...functionCallDeltas(function_call));
  else if (function_call !== undefined) first['function_call'] = function_call;
  if (isObject(audio)) deltas.push(...audioDeltas(audio));
  else if (audio !== undefined) first['audio'] = audio;
  return deltas;
}

function toolCallDeltas(first: Growing, calls: readonly JsonValue[]): JsonObject[] {
  if (calls.length === 0) first['tool_calls'] = [];
  return calls.filter(isObject).flatMap((call, index) => {
    const begun: Growing = { index, ...call };
    const fragments: JsonObject[] = [];
    for (const [kind, argument] of [
      ['function', 'arguments'],
      ['custom', 'input'],
    ] as const) {
      const called = call[kind];
      if (!isObject(called) || typeof called[argument] !== 'string') continue;
      begun[kind] = { ...called, [argument]: '' };
      for (const piece of piecesOf(called[argument])) {
        fragments.push({ index, [kind]: { [argument]: piece } });
      }
    }
    return [begun, ...fragments].map((fragment) => ({ tool_calls: [fragment] }));
  });
}

function functionCallDeltas(call: JsonObject): JsonObject[] {
  const written = call['arguments'];
  if (typeof written !== 'string') return [{ function_call: call }];
  const pieces = piecesOf(written).map((piece) => ({ function_call: { arguments: piece } }));
  return [{ function_call: { ...call, arguments: '' } }, ...pieces];
}

/** Spoken answers: the id, the transcript, the sound, and last how long it is kept. */
function audioDeltas(audio: JsonObject): JsonObject[] {
  const { transcript, data, expires_at, ...others } = audio;
  const deltas: JsonObject[] = [{ audio: others }];
  if (transcript !== undefined) deltas.push({ audio: { transcript } });
  if (data !== undefined) deltas.push({ audio: { data } });
  if (expires_at !== undefined) deltas.push({ audio: { expires_at } });
  return deltas;
}
