/** How long a marked prefix is to be held. */
export type Hold = 'default' | 'long';

/** A place up to which the caller (or the provider on its own) wants the prompt held. */
export interface Breakpoint {
  /** Index of the last part before it. */
  readonly part: number;
  readonly hold: Hold;
}

/** A request's prompt as a provider's prefix cache sees it. */
export interface Prompt {
  /** Token ids of each tool, system block and message block, in the order in which the provider reads them. */
  readonly parts: readonly Uint32Array[];
  readonly breakpoints: readonly Breakpoint[];
  /** Indexes of the parts after which a held prefix is looked for, ascending. */
  readonly lookups: readonly number[];
  /** What the provider refuses the request for, in its words. */
  readonly fault: string | undefined;
  /** Held longer than usual where the request asks so; milliseconds. */
  readonly ttlMs: number | undefined;
}

export function promptTokens(prompt: Prompt): number {
  let sum = 0;
  for (const part of prompt.parts) sum += part.length;
  return sum;
}

/** Several runs of tokens as one part. */
export function joined(...runs: readonly ArrayLike<number>[]): Uint32Array {
  const whole = new Uint32Array(runs.reduce((sum, run) => sum + run.length, 0));
  let at = 0;
  for (const run of runs) {
    whole.set(run, at);
    at += run.length;
  }
  return whole;
}

/**
 * What stands for an image, a sound or a file: `count` tokens that differ with its content.
 * Providers bill by size in pixels or pages; a fixed count is near enough for prefixes and prices.
 */
export function opaque(content: string, count: number): Uint32Array {
  let hash = 0x811c9dc5;
  for (let index = 0; index < content.length; index++) {
    hash = Math.imul(hash ^ content.charCodeAt(index), 0x01000193);
  }
  return new Uint32Array(count).fill(hash >>> 0);
}
