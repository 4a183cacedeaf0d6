import type { LedgerRow } from './row.ts';

/** What reports can be grouped by; `cause` is what broke the provider's prefix cache. */
export const groupings = [
  'model',
  'agent',
  'day',
  'mechanism',
  'tenant',
  'team',
  'key',
  'session',
  'provider',
  'outcome',
  'cause',
] as const;

export type GroupBy = (typeof groupings)[number];

export interface ReportQuery {
  readonly by: GroupBy;
  /** Milliseconds since the epoch, inclusive; undefined for the beginning. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
  readonly tenant?: string;
  readonly team?: string;
  /** Name of a virtual key. */
  readonly key?: string;
}

/** What a budget may be set on. */
export type SpendField = 'tenant' | 'team' | 'key' | 'agent' | 'session' | 'tag';

export interface SpendQuery {
  /** Only calls where each field that is given has this value; empty for all. */
  readonly scope: Partial<Readonly<Record<SpendField, string | undefined>>>;
  /** One line for each combination of values of these fields; what a call does not name is an empty text. Undefined: one line for all. */
  readonly per?: readonly SpendField[] | undefined;
  /** Milliseconds since the epoch, inclusive; undefined for the beginning. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
}

/** What was charged: its cost, or its upper bound where what the provider counted was lost. */
export interface Spend {
  /** Of the fields asked for by `per`, in their order. */
  readonly values: readonly string[];
  readonly chargedNanos: number;
}

/** Sums over the calls of one group. */
export interface ReportLine {
  /** The group's name; empty for calls that have none, such as those of no agent. A day is written `2026-01-31`, in UTC. */
  readonly group: string;
  readonly calls: number;
  /** Calls answered without the provider. */
  readonly reused: number;
  readonly costNanos: number;
  /** Calls whose cost is not known and so not in `costNanos`. */
  readonly unpriced: number;
  readonly withoutCostNanos: number;
  /** Calls of which it is not known what they would have cost without us, and so not in `withoutCostNanos`. */
  readonly withoutUnknown: number;
  readonly savedMeasuredNanos: number;
  readonly savedEstimatedNanos: number;
  readonly savedMs: number;
  /** What broken prefixes cost, as far as prices are known. Part of `costNanos`. */
  readonly lostNanos: number;
  /** What budgets were charged: the cost, or its upper bound where what the provider counted was lost. */
  readonly chargedNanos: number;
  /** All of it, whatever was spent on reasoning or audio included. */
  readonly tokens: {
    readonly fresh: number;
    readonly cacheRead: number;
    readonly cacheWrite: number;
    readonly output: number;
  };
}

/** Where ledger rows are kept. */
export interface LedgerStore {
  /** Keeps the rows; a row whose id is there already changes nothing. */
  append(rows: readonly LedgerRow[]): Promise<void>;
  report(query: ReportQuery): Promise<readonly ReportLine[]>;
  /** What was charged to a scope, for rebuilding budgets. No line for what has no calls. */
  spend(query: SpendQuery): Promise<readonly Spend[]>;
  /** What these calls were charged, by id; those that are not booked, or whose charge is not known, are left out. */
  charges(ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The newest rows first. */
  recent(limit: number): Promise<readonly LedgerRow[]>;
  close(): Promise<void>;
}
