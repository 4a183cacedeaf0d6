import type { NanoUsd } from '../kernel/money.ts';
import type { BudgetScope } from './budget.ts';
import { sessionDays, touchedOf, type Plan, type Planned, type Touched } from './plan.ts';
import { codeOf, scopeFields, type ScopeField } from './scope.ts';

/** What was charged before, as somebody knows who does not forget: the ledger. */
export interface PastSpend {
  /** Sums over the calls of a scope without `*`, one for each combination of values of `per`; what a call does not name is an empty text. */
  spend(query: {
    readonly scope: BudgetScope;
    readonly per: readonly ScopeField[];
    /** Milliseconds since the epoch, inclusive. */
    readonly from: number;
  }): Promise<readonly { readonly values: readonly string[]; readonly chargedNanos: NanoUsd }[]>;
  /** What these calls were charged, by id, as far as it is known. */
  charges(ids: readonly string[]): Promise<ReadonlyMap<string, NanoUsd>>;
}

/** An account and what the ledger says was spent from it. */
export interface PastAccount {
  readonly touched: Touched;
  readonly spent: NanoUsd;
}

const dayMs = 86_400_000;

/** What was spent in the present window of each budget. @throws what the ledger throws. */
export async function pastAccounts(
  plan: Plan,
  past: PastSpend,
  now: number,
): Promise<readonly PastAccount[]> {
  const accounts: PastAccount[] = [];
  for (const planned of plan.planned) accounts.push(...(await pastOf(planned, past, now)));
  return accounts;
}

async function pastOf(
  planned: Planned,
  past: PastSpend,
  now: number,
): Promise<readonly PastAccount[]> {
  const { scope, windows, budget } = planned;
  const open = scopeFields.filter((field) => scope[field] === '*');
  // As in the names of accounts: what stands for `*` is told apart by tenant.
  const per: readonly ScopeField[] =
    open.length === 0 || open[0] === 'tenant' ? open : ['tenant', ...open];
  const fixed = Object.fromEntries(
    Object.entries(scope).filter(([, value]) => value !== undefined && value !== '*'),
  );
  const sums = (from: number) => past.spend({ scope: fixed, per, from });
  const accountOf = (values: readonly string[]): Touched => {
    const session = scope.session === '*' ? values[per.indexOf('session')] : scope.session;
    const value = open.length === 0 ? undefined : values.slice(per.length - open.length).join('/');
    return touchedOf(planned, { code: values.map(codeOf).join('/'), value }, { now, session });
  };
  const found = async (from: number): Promise<readonly PastAccount[]> =>
    (await sums(from)).map(({ values, chargedNanos }) => ({
      touched: accountOf(values),
      spent: chargedNanos,
    }));
  const inWindow = await found(windows.at(now).startsAt);
  if (budget.period !== 'session') return inWindow;
  // Conversations reach further back; calls that name none have an account a day.
  const named = await found(now - sessionDays * dayMs);
  return [
    ...inWindow.filter(({ touched }) => touched.window.name !== 'session'),
    ...named.filter(({ touched }) => touched.window.name === 'session'),
  ];
}
