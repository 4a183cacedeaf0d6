import type { DialectName } from '../exchange/dialect.ts';
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts';

/** What an answer says, in each dialect; everything else names or measures it. */
const substance: Record<DialectName, readonly string[]> = {
  'openai-chat': ['choices'],
  'openai-completions': ['choices'],
  'openai-responses': ['output'],
  'openai-embeddings': ['data'],
  'anthropic-messages': ['content', 'stop_reason', 'stop_sequence'],
  'anthropic-count-tokens': ['input_tokens'],
};

/** Labels that the provider draws at random for each answer. */
const labels = new Set(['id', 'call_id']);

/** True if both answers say the same: text, reasoning, tool calls and why they ended; ids aside, which every answer draws anew. */
export function saysTheSame(dialect: DialectName, one: JsonObject, other: JsonObject): boolean {
  return substance[dialect].every((name) => alike(one[name], other[name]));
}

function alike(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  // An absent member and a null one are the same to every SDK; streams leave out what plain answers spell as null.
  if (one === undefined || one === null) return other === undefined || other === null;
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false;
    return one.every((each: JsonValue, index) => alike(each, other[index] as JsonValue));
  }
  if (!isObject(one)) return one === other;
  if (!isObject(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => labels.has(name) || alike(one[name], other[name]));
}
