import assert from 'node:assert/strict';
import type { AccountLine, BudgetStore, HoldRequest } from './store.ts';

/** A trial as the cases see it. */
export interface BudgetTrial {
  readonly store: BudgetStore;
  readonly open: (owner: string) => Promise<BudgetStore>;
  readonly leaseMs: number;
  /** Milliseconds since the epoch, by the clock that the store goes by. */
  readonly now: () => number;
  readonly pass: (ms: number) => Promise<void>;
}

/** A hard line without an end, unless said otherwise. */
export function line(account: string, limit: number, more: Partial<AccountLine> = {}): AccountLine {
  return { account, limit, hard: true, endsAt: undefined, ...more };
}

/** Holds what is asked, and says how much that is; undefined where it is refused. */
export async function held(store: BudgetStore, request: HoldRequest): Promise<number | undefined> {
  const verdict = await store.hold(request);
  return verdict.held ? verdict.amount : undefined;
}

/** How one account stands. */
export async function balanceOf(
  store: BudgetStore,
  account: string,
): Promise<{ readonly spent: number; readonly held: number }> {
  const [found] = await store.read([account]);
  assert.equal(found?.account, account);
  return { spent: found.spent, held: found.held };
}
