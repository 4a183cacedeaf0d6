import { arrayOf, isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import type { SseEvent } from '../dialect.ts';
import { piecesOf, type Growing } from './growing.ts';

/** Members of a message that its stream tells only at the end. */
const lateMembers = ['stop_reason', 'stop_sequence', 'stop_details', 'container'] as const;

/** Counts that are known only at the end; `output_tokens` is told at both. */
const lateCounts = ['output_tokens', 'output_tokens_details', 'server_tool_use'] as const;

/** The counts of the input, which the end repeats. */
const inputCounts = [
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
] as const;

/** The stream that brings an Anthropic message. */
export function messageEvents(final: JsonObject): SseEvent[] {
  const { usage, ...message } = final;
  const counts = isObject(usage) ? usage : {};
  const events = [named('message_start', { message: startOf(message, counts) })];
  arrayOf(final['content']).forEach((block, index) => {
    if (isObject(block)) events.push(...blockEvents(block, index));
    // The API keeps the line warm early in each stream.
    if (index === 0) events.splice(2, 0, named('ping', {}));
  });
  events.push(
    named('message_delta', {
      delta: pick(message, lateMembers),
      usage: pick(counts, [...inputCounts, ...lateCounts]),
    }),
    named('message_stop', {}),
  );
  return events;
}

function startOf(message: JsonObject, counts: JsonObject): JsonObject {
  const start: Growing = { ...message, content: [] };
  for (const name of lateMembers) if (name in message) start[name] = null;
  const usage: Growing = { ...counts };
  for (const name of lateCounts) delete usage[name];
  // The API counts its first token when the stream begins.
  if (typeof counts['output_tokens'] === 'number') {
    usage['output_tokens'] = Math.min(1, counts['output_tokens']);
  }
  start['usage'] = usage;
  return start;
}

function blockEvents(block: JsonObject, index: number): SseEvent[] {
  const { start, deltas } = takenApart(block);
  return [
    named('content_block_start', { index, content_block: start }),
    ...deltas.map((delta) => named('content_block_delta', { index, delta })),
    named('content_block_stop', { index }),
  ];
}

/** A block as it is announced, and what then fills it; kinds that do not grow are announced whole. */
function takenApart(block: JsonObject): { start: JsonObject; deltas: JsonObject[] } {
  const type = textOf(block['type']) ?? '';
  const { text, thinking, signature, input, citations } = block;
  if (type === 'text' && typeof text === 'string') {
    const cited = Array.isArray(citations) ? { citations: [] } : {};
    const deltas = arrayOf(citations).map((citation) => ({ type: 'citations_delta', citation }));
    const spoken = piecesOf(text).map((piece) => ({ type: 'text_delta', text: piece }));
    return { start: { ...block, text: '', ...cited }, deltas: [...deltas, ...spoken] };
  }
  if (type === 'thinking' && typeof thinking === 'string') {
    const deltas: JsonObject[] = piecesOf(thinking).map((piece) => ({
      type: 'thinking_delta',
      thinking: piece,
    }));
    if (typeof signature !== 'string') return { start: { ...block, thinking: '' }, deltas };
    deltas.push({ type: 'signature_delta', signature });
    return { start: { ...block, thinking: '', signature: '' }, deltas };
  }
  if (type.endsWith('tool_use') && isObject(input)) {
    // The first fragment is empty, and an input without members brings no other.
    const written = Object.keys(input).length === 0 ? [] : piecesOf(JSON.stringify(input));
    const deltas = ['', ...written].map((partial_json) => ({
      type: 'input_json_delta',
      partial_json,
    }));
    return { start: { ...block, input: {} }, deltas };
  }
  return { start: block, deltas: [] };
}

function pick(from: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
}

function named(type: string, members: JsonObject): SseEvent {
  return { event: type, data: JSON.stringify({ type, ...members }) };
}
