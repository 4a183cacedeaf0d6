import type { Thread } from './thread.ts';

/** How calls were followed up: what a wager on the next read goes by. */
export interface Tally {
  /** Calls of which it is known whether a read of their prefix came. */
  tried: number;
  /** Followed within the provider's short time by a request with the same beginning. */
  short: number;
  /** Followed within its long time, the short one included. */
  long: number;
}

export function newTally(): Tally {
  return { tried: 0, short: 0, long: 0 };
}

/** The chance that a prefix will be read within the short and the long time. */
export interface Odds {
  readonly short: number;
  readonly long: number;
}

/** How much an expectation weighs beside what was seen, in calls. */
const expectationWeight = 2;
/** Old experience fades: agents change. */
const memory = 400;

/** Books how one call was followed up. */
export function count(tally: Tally, outcome: 'short' | 'long' | 'none'): void {
  if (tally.tried >= memory) {
    tally.tried /= 2;
    tally.short /= 2;
    tally.long /= 2;
  }
  tally.tried++;
  if (outcome !== 'none') tally.long++;
  if (outcome === 'short') tally.short++;
}

/** The odds after what was seen, beginning with what is expected of a stranger. */
export function oddsOf(tally: Tally, expected: Odds, weight = expectationWeight): Odds {
  return {
    short: (tally.short + weight * expected.short) / (tally.tried + weight),
    long: (tally.long + weight * expected.long) / (tally.tried + weight),
  };
}

/** The last place of `gaps`: longer than all that are told apart, or never. */
export const neverGap = 12;

/** What is known of the calls of one agent at one model. */
export interface Habits {
  /** First calls of a conversation, and later ones. */
  readonly first: Tally;
  readonly later: Tally;
  /** How many pauses lasted so many of the provider's short times. */
  readonly gaps: number[];
  /** Tokens a byte of the prompt, as the provider counted; undefined before its first answer. */
  tokensPerByte: number | undefined;
  /** Lines of the system prompt that change from call to call, by their shape. */
  readonly volatileShapes: Set<string>;
  /** Checksum of the tools as the client wrote them last. */
  clientTools: number | undefined;
  /** The latest conversation, as long as the table of threads keeps it. */
  latest: WeakRef<Thread> | undefined;
}

export function newHabits(): Habits {
  return {
    first: newTally(),
    later: newTally(),
    gaps: Array.from({ length: neverGap + 1 }, () => 0),
    tokensPerByte: undefined,
    volatileShapes: new Set(),
    clientTools: undefined,
    latest: undefined,
  };
}

/**
 * What is expected of a conversation's first call. With a session's name, with tools or in the middle of a conversation it is an agent's,
 * which mostly goes on; a lone question mostly does not.
 */
export function expectedOfFirst(isAgent: boolean): Odds {
  return isAgent ? { short: 0.72, long: 0.75 } : { short: 0.15, long: 0.2 };
}

export const expectedOfLater: Odds = { short: 0.8, long: 0.85 };
