import type { NanoUsd } from '../kernel/money.ts';
import type { Usage, UsageSource } from './usage.ts';

/** What saved. Each saved dollar and second is booked to exactly one. */
export type Mechanism =
  | 'exact-cache'
  | 'coalescing'
  | 'tool-cache' // a tool was not called, since its result was there
  | 'breakpoints' // the provider was asked to keep what comes again
  | 'stable-order' // what a client shuffles was put back in its order
  | 'volatile-repair' // lines that change were moved behind what does not
  | 'fan-out' // parallel calls waited for the first to warm their prefix
  | 'keep-warm' // a prefix was read again before its time was over
  | 'fitting' // parts of the history were left out
  | 'protection'; // a nearly spent budget had a cheaper model asked

/** How a call ended. */
export type Outcome =
  | 'ok' // a whole answer, the provider's or a stored one
  | 'provider-error' // the provider answered with an error status or an error event
  | 'upstream-failure' // no whole answer could be had
  | 'cancelled' // the caller left
  | 'refused' // we turned the call away
  | 'failed'; // our own fault

/** Where the answer came from. */
export type Source =
  | 'upstream'
  | 'l1'
  | 'l2'
  | 'l3'
  | 'l3-postgres'
  | 'l4'
  | 'stale'
  | 'flight'
  | 'none';

/** What the stages learn about a call on its way; the `book` stage turns it into a ledger row. Undefined means not known, never zero. */
export interface Account {
  outcome: Outcome | undefined;
  /** Our error code, where we failed or refused. */
  errorCode: string | undefined;
  source: Source;
  /** The provider's status. */
  status: number | undefined;
  modelServed: string | undefined;
  serviceTier: string | undefined;
  /** What the provider counted (or we, see `usageSource`) and will bill; all zero when a stored answer served. */
  usage: Usage | undefined;
  usageSource: UsageSource | undefined;
  /** Undefined where the price is not known. */
  costNanos: NanoUsd | undefined;
  /** What budgets were charged for it, where that is not its cost: what was lost on the way counts as its upper bound. */
  chargedNanos: NanoUsd | undefined;
  /** What budgets had to do with it; undefined where none is for it. */
  budget: BudgetPart | undefined;
  /** What the call would have used, cost and taken without us. Undefined where that is not known. */
  without: Counterfactual | undefined;
  savedBy: Mechanism | undefined;
  /** What was paid for although the provider's prompt cache could have had it; undefined where nothing was. */
  lost: PrefixLoss | undefined;
  /** What an edit that was made at this call is expected to save in the end; undefined where none was made. */
  predictedNanos: NanoUsd | undefined;
  /** Monotonic milliseconds of the moments that latencies are taken from. */
  sentTick: number | undefined;
  firstByteTick: number | undefined;
  endedTick: number | undefined;
  /** The answer was stored for others. */
  stored: boolean;
  /** Resolves when usage and cost are known, where counting takes longer than the answer. */
  settling: Promise<void> | undefined;
}

/** What budgets had to do with a call. */
export interface BudgetPart {
  /** Attempts so far that could be billed. */
  attempts: number;
  /** Charged for those that are over. */
  charged: NanoUsd;
  /** The budget of the call that has the least left; what callers are told. */
  tightest: BudgetNotice | undefined;
  /** Tokens of output that a budget had left, where that was less than was asked for; undefined where nothing was cut. */
  outputCap: number | undefined;
  /** The attempt that is under way, where its stream is to be counted. */
  counting: Counting | undefined;
  /** Settlements that wait for the call's row; undefined once that is booked. */
  due: (() => void)[] | undefined;
}

/** A stream that is counted as it passes. */
export interface Counting {
  /** Tokens of output that are held for, of all its answers together; beyond them it is cut. */
  readonly tokensMax: number;
  /** Tokens of output so far at most; undefined where nothing could be counted. */
  outputAtMost: (() => number) | undefined;
  /** The same as the provider told it; undefined as long as it has not. */
  outputTold: (() => number | undefined) | undefined;
}

/** A budget as its callers hear of it. */
export interface BudgetNotice {
  readonly id: string;
  readonly left: NanoUsd;
  readonly limit: NanoUsd;
  /** When its window is over, milliseconds since the epoch; undefined: never. */
  readonly endsAt: number | undefined;
}

/** Input that was paid for although the provider's prompt cache could have had it. */
export interface PrefixLoss {
  /** What broke the prefix, a short token such as `timestamp-in-system`. */
  readonly cause: string;
  readonly tokens: number;
  /** Undefined where the price is not known. */
  readonly nanos: NanoUsd | undefined;
}

export interface Counterfactual {
  readonly usage: Usage;
  readonly costNanos: NanoUsd | undefined;
  readonly totalMs: number | undefined;
  /** `measured`: the provider itself counted this very request; `estimated`: we reckoned some of it. */
  readonly basis: 'measured' | 'estimated';
}

export function newAccount(): Account {
  return {
    outcome: undefined,
    errorCode: undefined,
    source: 'none',
    status: undefined,
    modelServed: undefined,
    serviceTier: undefined,
    usage: undefined,
    usageSource: undefined,
    costNanos: undefined,
    chargedNanos: undefined,
    budget: undefined,
    without: undefined,
    savedBy: undefined,
    lost: undefined,
    predictedNanos: undefined,
    sentTick: undefined,
    firstByteTick: undefined,
    endedTick: undefined,
    stored: false,
    settling: undefined,
  };
}
