import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { addItems, addMember, replaceMember, type Growing } from './growing.ts';
import type { ChunkForm } from './openai-chunks.ts';

/** How the chunks of a chat stream become a `chat.completion`. */
export const chatChunks: ChunkForm = { object: 'chat.completion', addChoice };

function addChoice(choice: Growing, part: JsonObject): void {
  for (const name in part) {
    const value = part[name];
    if (name === 'delta') addDelta(grown(choice, 'message'), value);
    else if (name === 'logprobs') addLogprobs(choice, value);
    else if (name !== 'index') replaceMember(choice, name, value);
  }
}

function addDelta(message: Growing, delta: JsonValue | undefined): void {
  if (!isObject(delta)) return;
  for (const name in delta) {
    const value = delta[name];
    switch (name) {
      case 'role':
        replaceMember(message, name, value);
        break;
      case 'tool_calls':
        addToolCalls(message, value);
        break;
      case 'function_call':
        addCall(message, name, value);
        break;
      case 'audio':
        addAudio(message, value);
        break;
      case 'annotations':
        addItems(message, name, value);
        break;
      case 'reasoning_details':
        addReasoningDetails(message, value);
        break;
      default:
        // Content, refusal, reasoning under its several names, and whatever vendors add.
        addMember(message, name, value);
    }
  }
}

/** The calls of a message by their index in the stream, which the final message does not show. */
const callsByIndex = new WeakMap<readonly Growing[], Map<JsonValue, Growing>>();

/** Calls come in fragments, several calls at once, told apart by their index. */
function addToolCalls(message: Growing, fragments: JsonValue | undefined): void {
  if (!Array.isArray(fragments)) {
    replaceMember(message, 'tool_calls', fragments);
    return;
  }
  const calls = grownList(message, 'tool_calls');
  const known = callsByIndex.get(calls) ?? new Map<JsonValue, Growing>();
  callsByIndex.set(calls, known);
  for (const fragment of fragments as readonly JsonValue[]) {
    if (!isObject(fragment)) continue;
    const { index, ...members } = fragment;
    // A server that gives no index sends each call whole.
    const at = index ?? calls.length;
    let call = known.get(at);
    if (call === undefined) {
      call = {};
      known.set(at, call);
      calls.push(call);
    }
    for (const name of Object.keys(members)) {
      if (name === 'function' || name === 'custom') addCall(call, name, members[name]);
      else replaceMember(call, name, members[name]);
    }
  }
}

/** The named call within `target`: its name comes once, its arguments in pieces. */
function addCall(target: Growing, name: string, part: JsonValue | undefined): void {
  if (!isObject(part)) {
    replaceMember(target, name, part);
    return;
  }
  const call = grown(target, name);
  for (const member of Object.keys(part)) {
    const piece = member === 'arguments' || member === 'input';
    (piece ? addMember : replaceMember)(call, member, part[member]);
  }
}

function addAudio(message: Growing, part: JsonValue | undefined): void {
  if (!isObject(part)) {
    replaceMember(message, 'audio', part);
    return;
  }
  const audio = grown(message, 'audio');
  for (const name of Object.keys(part)) {
    const piece = name === 'data' || name === 'transcript';
    (piece ? addMember : replaceMember)(audio, name, part[name]);
  }
}

/** OpenRouter's reasoning in parts; a part goes on where one with its index and type stopped. */
function addReasoningDetails(message: Growing, parts: JsonValue | undefined): void {
  if (!Array.isArray(parts)) {
    replaceMember(message, 'reasoning_details', parts);
    return;
  }
  const details = grownList(message, 'reasoning_details');
  for (const part of parts as readonly JsonValue[]) {
    if (!isObject(part)) continue;
    const { index, type } = part;
    const begun =
      index === undefined
        ? undefined
        : details.find((each) => each['index'] === index && each['type'] === type);
    if (begun === undefined) {
      details.push({ ...part });
      continue;
    }
    for (const name of Object.keys(part)) {
      const piece = name === 'text' || name === 'summary' || name === 'data';
      (piece ? addMember : replaceMember)(begun, name, part[name]);
    }
  }
}

function addLogprobs(choice: Growing, part: JsonValue | undefined): void {
  if (!isObject(part)) {
    replaceMember(choice, 'logprobs', part);
    return;
  }
  const logprobs = grown(choice, 'logprobs');
  for (const name of Object.keys(part)) addItems(logprobs, name, part[name]);
}

/** The object that grows under `name`, begun where there is none yet. */
function grown(target: Growing, name: string): Growing {
  const begun = target[name];
  if (isObject(begun)) return begun;
  const fresh: Growing = {};
  target[name] = fresh;
  return fresh;
}

function grownList(target: Growing, name: string): Growing[] {
  const begun = target[name];
  if (Array.isArray(begun)) return begun;
  const fresh: Growing[] = [];
  target[name] = fresh;
  return fresh;
}
