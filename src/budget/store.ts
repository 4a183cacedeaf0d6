import type { NanoUsd } from '../kernel/money.ts';

/** A value now or later: a store in memory answers at once, and calls need not wait for a promise then. */
export type Awaitable<Value> = Value | Promise<Value>;

/** An account that a call draws on: one budget, for one value of its scope, in one window. The limit comes with each act, so that changing it keeps what was spent. */
export interface AccountLine {
  /** `{budgets}BUDGET/VALUE@WINDOW`; what stands in braces is the same for all accounts of a call, so that they live in one slot of a Redis cluster. */
  readonly account: string;
  readonly limit: NanoUsd;
  /** A soft line counts and is never in the way. */
  readonly hard: boolean;
  /** When the window is over, milliseconds since the epoch; some time after that the account may be forgotten. Undefined: never. */
  readonly endsAt: number | undefined;
}

export interface HoldRequest {
  /** One for each billable attempt. Asking again with the same id gets the same answer and holds nothing more. */
  readonly id: string;
  /** An upper bound of what the attempt can cost. */
  readonly amount: NanoUsd;
  /** Where less than `amount` is left, that much is held if it is at least this; undefined: all or nothing. */
  readonly atLeast?: NanoUsd | undefined;
  /** At least one; no account twice. */
  readonly lines: readonly AccountLine[];
}

export interface Balance {
  readonly account: string;
  readonly spent: NanoUsd;
  readonly held: NanoUsd;
}

export type HoldVerdict =
  | { readonly held: true; readonly amount: NanoUsd; readonly balances: readonly Balance[] }
  /** Nothing was changed. `short` is the first line that has too little. */
  | { readonly held: false; readonly short: string; readonly balances: readonly Balance[] };

/** `settled`: now; `already`: it was before, nothing changed; `unknown`: there is no such hold. */
export type SettleOutcome = {
  readonly state: 'settled' | 'already' | 'unknown';
  readonly balances: readonly Balance[];
};

/** A hold whose call may still run, or has been lost. */
export interface OpenHold {
  readonly id: string;
  readonly amount: NanoUsd;
  readonly accounts: readonly string[];
  readonly owner: string;
  /** `held` as long as its owner lives; `charged` when the owner was gone: the amount counts as spent until it is settled after all. */
  readonly state: 'held' | 'charged';
}

/**
 * Where budgets are counted. For every account with a hard line `spent + held <= limit` holds at every moment, whoever asks at the same time, in
 * whole nano-dollars. Holds belong to an owner (one running process) and live as long as it renews its lease; afterwards they
 * count as spent, in full, until somebody settles them. Every act is idempotent. What one process asks to hold and to settle is done in the order
 * in which it was asked.
 */
export interface BudgetStore {
  /** `memory`, `sqlite`, `redis`. */
  readonly name: string;
  /** All lines or none. @throws EconomizerError `ECO_BUDGET_STORE` where the store cannot be asked. */
  hold(request: HoldRequest): Awaitable<HoldVerdict>;
  /** Turns a hold into a charge, or puts right what was charged when its owner was lost. What is charged beyond the hold is booked all the same. */
  settle(id: string, charged: NanoUsd): Awaitable<SettleOutcome>;
  /** Balances of accounts; zero for those that nobody drew on. */
  read(accounts: readonly string[]): Awaitable<readonly Balance[]>;
  /** Raises what was spent to at least `spent`: what the ledger knows better than a store that lost something. */
  restore(account: string, spent: NanoUsd, endsAt: number | undefined): Awaitable<void>;
  /** Renews the lease of this process, and charges the holds of owners whose lease is over; resolves with the number of those. To be called every few seconds. */
  heartbeat(): Awaitable<number>;
  /** Holds that are not settled, of all owners. */
  openHolds(): Awaitable<readonly OpenHold[]>;
  /** True for the first who claims `name`, for all replicas; forgotten after `until` (milliseconds since the epoch). */
  claim(name: string, until: number): Awaitable<boolean>;
  /** A small text that all replicas see, such as the emergency switch; undefined removes it. */
  setFlag(name: string, value: string | undefined): Awaitable<void>;
  flags(): Awaitable<ReadonlyMap<string, string>>;
  /**
   * For stores that can lose what they knew while this process lives: `rebuild` is called whenever that may have happened and is to `restore`
   * what the ledger of this process knows. Until it resolves nothing is held anew; where it rejects it is called again.
   */
  onForgotten?(rebuild: () => Promise<void>): void;
  close(): Promise<void>;
}
