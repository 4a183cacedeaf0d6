import type { ToolSteps } from '../../exchange/tool-steps.ts';

/** When a conversation counts as running in circles. */
export interface LoopPolicy {
  /** From so many repetitions on it is warned of. */
  readonly warnAfter: number;
  /** From so many on its calls are refused; undefined: never. */
  readonly refuseAfter: number | undefined;
}

/** What a conversation repeats at its end. */
export interface Loop {
  /** How often: the first time counts. */
  readonly times: number;
  /** The tools of one round, in their order: one where the same call comes again and again, two for A, B, A, B, ... */
  readonly tools: readonly string[];
}

/** Longer rounds are taken for work. */
const longestRound = 4;

/**
 * The round of tool calls that a conversation has repeated at its end, with the same arguments **and the same results**, at least `atLeast` times. A tool that is
 * polled and answers something new makes progress and is no loop, however often it is called. Where others stand in between, the same call with the same
 * result counts from twice as many times on, among the last two dozen steps.
 */
export function loopIn(steps: ToolSteps, atLeast: number): Loop | undefined {
  let end = steps.length;
  // Calls whose results have not come yet say nothing.
  while (end > 0 && steps[end - 1]!.result === undefined) end--;
  for (let length = 1; length <= longestRound && length * atLeast <= end; length++) {
    const times = repetitions(steps, end, length);
    if (times < atLeast) continue;
    return { times, tools: steps.slice(end - length, end).map(({ tool }) => tool) };
  }
  return scattered(steps, end, 2 * atLeast);
}

/** So many of the last steps are looked at for one that comes again and again with others in between. */
const scatteredWithin = 24;

/** The last step, where it stands at least `atLeast` times among the last ones. */
function scattered(steps: ToolSteps, end: number, atLeast: number): Loop | undefined {
  if (end < atLeast || atLeast > scatteredWithin) return undefined;
  let times = 1;
  for (let at = end - 2; at >= Math.max(0, end - scatteredWithin); at--) {
    if (isSame(steps, at, end - 1)) times++;
  }
  return times >= atLeast ? { times, tools: [steps[end - 1]!.tool] } : undefined;
}

/** How often the last `length` steps before `end` stand there in a row. */
function repetitions(steps: ToolSteps, end: number, length: number): number {
  let at = end - length;
  while (at > 0 && isSame(steps, at - 1, at - 1 + length)) at--;
  return Math.floor((end - at) / length);
}

function isSame(steps: ToolSteps, one: number, other: number): boolean {
  const [first, second] = [steps[one]!, steps[other]!];
  return first.call === second.call && first.result === second.result && first.result !== undefined;
}

/** For people, and for the model that reads the refusal: what is repeated, how often. */
export function loopText({ times, tools }: Loop): string {
  const [only] = tools;
  const what =
    tools.length === 1
      ? `the tool call "${only}" with the same arguments and the same result`
      : `the round of tool calls ${tools.map((tool) => `"${tool}"`).join(', ')} with the same arguments and results`;
  return `This conversation has made ${what} ${times} times`;
}
