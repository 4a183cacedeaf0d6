/**
 * Request members of OpenAI's dialects that cannot change what the model writes. Everything else stays in the key,
 * known or not: a member that we have not heard of yet may change the answer.
 */
export const openAiInert: ReadonlySet<string> = new Set([
  // How the answer is carried, not what it says: one stored answer serves both forms.
  'stream',
  'stream_options',
  // Names for abuse reports; no model sees them.
  'user',
  'safety_identifier',
  // Labels on stored completions; no model sees them.
  'metadata',
  // Where and how long the provider keeps its own prefix cache: price and speed, never words.
  'prompt_cache_key',
  'prompt_cache_retention',
  // The queue that serves; the model is the same in each.
  'service_tier',
  // Only `false` gets as far as a key: `true` binds the request, see `bound.ts`.
  'store',
]);
