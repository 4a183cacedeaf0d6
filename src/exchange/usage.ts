/**
 * Tokens in disjoint classes: their sum is all that the provider counted. Each dialect maps its own fields
 * (OpenAI's cached tokens are part of its prompt tokens, Anthropic's are not) so that no token is priced twice.
 */
export interface Usage {
  /** Input tokens processed anew and not written to a prompt cache. */
  readonly fresh: number;
  /** Input tokens read from the provider's prompt cache. */
  readonly cacheRead: number;
  /** Input tokens written to the provider's prompt cache for its shorter, default time (Anthropic: 5 minutes; OpenAI: 30 minutes). */
  readonly cacheWrite5m: number;
  /** Input tokens written to the provider's prompt cache for an hour. */
  readonly cacheWrite1h: number;
  /** Output tokens that are neither reasoning nor audio. */
  readonly output: number;
  /** Output tokens spent on reasoning or thinking, where the provider tells them apart. */
  readonly reasoning: number;
  readonly audioInput: number;
  readonly audioOutput: number;
  /** Tool runs on the provider's side that it bills by the piece. */
  readonly webSearches: number;
}

/** The classes in an order that files rely on: add at the end, never reorder. */
export const usageClasses = [
  'fresh',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'output',
  'reasoning',
  'audioInput',
  'audioOutput',
  'webSearches',
] as const satisfies readonly (keyof Usage)[];

/** Who counted: the provider, or we where it did not say. */
export type UsageSource = 'provider' | 'estimated';

export const noUsage: Usage = {
  fresh: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
  audioInput: 0,
  audioOutput: 0,
  webSearches: 0,
};

export function inputTokens(usage: Usage): number {
  return usage.fresh + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.audioInput;
}

export function outputTokens(usage: Usage): number {
  return usage.output + usage.reasoning + usage.audioOutput;
}
