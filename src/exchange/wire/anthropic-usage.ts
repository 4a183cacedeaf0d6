import { countOf, isObject, type JsonValue } from '../../kernel/json.ts';
import { noUsage, type Usage } from '../usage.ts';
import type { Growing } from './growing.ts';

/**
 * What Anthropic counted, in disjoint classes; undefined where it did not say. Its `input_tokens` leaves the cache
 * classes out already; thinking is part of the output.
 */
export function anthropicUsage(usage: JsonValue | undefined): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const fresh = countOf(usage['input_tokens']);
  const written = countOf(usage['output_tokens']);
  if (fresh === undefined && written === undefined) return undefined;
  const creation = isObject(usage['cache_creation']) ? usage['cache_creation'] : {};
  const cacheWrite1h = countOf(creation['ephemeral_1h_input_tokens']) ?? 0;
  const allWrites = countOf(usage['cache_creation_input_tokens']) ?? 0;
  const details = isObject(usage['output_tokens_details']) ? usage['output_tokens_details'] : {};
  const reasoning = Math.min(written ?? 0, countOf(details['thinking_tokens']) ?? 0);
  const tools = isObject(usage['server_tool_use']) ? usage['server_tool_use'] : {};
  return {
    ...noUsage,
    fresh: fresh ?? 0,
    cacheRead: countOf(usage['cache_read_input_tokens']) ?? 0,
    // What the sum has over its two parts was written for the default time; older models give the sum alone.
    cacheWrite5m: Math.max(
      countOf(creation['ephemeral_5m_input_tokens']) ?? 0,
      allWrites - cacheWrite1h,
    ),
    cacheWrite1h,
    output: (written ?? 0) - reasoning,
    reasoning,
    webSearches: countOf(tools['web_search_requests']) ?? 0,
  };
}

/** Takes the usage of a `message_delta` into that of `message_start`: its counts are totals so far, so they replace. */
export function updateUsage(usage: Growing, delta: JsonValue | undefined): void {
  if (!isObject(delta)) return;
  for (const name of Object.keys(delta)) {
    const value = delta[name];
    if (value !== null || usage[name] === undefined) usage[name] = value;
  }
}
