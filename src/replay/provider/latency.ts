/**
 * How long a simulated provider takes, in the order of what large hosted models take: the point is that
 * uncached input and output cost time in proportion, not that a certain model is met.
 */
export const latency = {
  /** Network, queue and start. */
  baseMs: 350,
  /** Input tokens a second that are worked through; tokens read from the prompt cache take no time. */
  inputPerSecond: 6_000,
  outputPerSecond: 90,
} as const;

/** Milliseconds from the request to the first token of the answer. */
export function firstTokenMs(uncachedTokens: number): number {
  return latency.baseMs + (uncachedTokens / latency.inputPerSecond) * 1000;
}

/** Milliseconds from the first token of the answer to its last. */
export function generationMs(outputTokens: number): number {
  return (outputTokens / latency.outputPerSecond) * 1000;
}
