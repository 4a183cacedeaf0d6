import { usdText } from '../kernel/money.ts';
import type { BudgetConfig } from './budget-config.ts';
import type { Config } from './config.ts';
import type { Finding } from './fault.ts';

const scopeFields = ['tenant', 'team', 'key', 'agent', 'session', 'tag'] as const;
type Scope = BudgetConfig['scope'];

/** Two limits on the same, of which one could never be the one that counts. */
export function twins({ budgets }: Config): readonly Finding[] {
  const seen = new Map<string, BudgetConfig>();
  return budgets.flatMap((budget, index): Finding[] => {
    const name = JSON.stringify([
      scopeFields.map((field) => scopeOf(budget)[field] ?? null),
      budget.period,
    ]);
    const twin = seen.get(name);
    if (twin === undefined) {
      seen.set(name, budget);
      return [];
    }
    const problem = `must be for something else, or another period: "${twin.id}" has the same scope and period; keep one`;
    return [{ path: ['budgets', index, 'scope'], problem }];
  });
}

/** Ceilings of providers that there are not. */
export function ceilingProviders({ budgeting, providers }: Config): readonly Finding[] {
  const names = providers.map(({ name }) => name);
  return budgeting.ceilings.flatMap(({ provider }, index): Finding[] => {
    if (provider === undefined || names.includes(provider)) return [];
    const problem = `must name one of the providers: ${names.join(', ')}`;
    return [{ path: ['budgeting', 'ceilings', index, 'provider'], problem }];
  });
}

/** Where they are to be counted in Redis, there must be one. */
export function countedNowhere({ budgets, budgeting, redis }: Config): readonly Finding[] {
  if (budgets.length === 0 || budgeting.store !== 'redis' || redis !== undefined) return [];
  const problem = 'must be memory or sqlite as long as there is no section redis';
  return [{ path: ['budgeting', 'store'], problem }];
}

/** Only a store over the network can be lost. */
export function idleShare({ budgets, budgeting }: Config): readonly Finding[] {
  if (budgets.length === 0 || budgeting.store === 'redis' || budgeting.lostShare === undefined)
    return [];
  const problem = `has no effect with budgeting.store ${budgeting.store}, which cannot be lost`;
  return [{ path: ['budgeting', 'store_lost'], problem }];
}

const order = { session: 0, daily: 1, weekly: 2, monthly: 3, total: 4 } as const;

/** Limits that another one makes idle. */
export function idleBudgets({ budgets }: Config): readonly Finding[] {
  return budgets.flatMap((inner, index): Finding[] => {
    const outer = budgets.find((each) => each !== inner && isIdleUnder(inner, each));
    if (outer === undefined) return [];
    const problem = `can never be reached: "${outer.id}" is for the same calls and more, with ${usdText(outer.limit)} (${outer.period})`;
    return [{ path: ['budgets', index, 'limit_usd'], problem }];
  });
}

function isIdleUnder(inner: BudgetConfig, outer: BudgetConfig): boolean {
  if (!outer.hard || inner.limit <= outer.limit) return false;
  if (!covers(scopeOf(outer), scopeOf(inner))) return false;
  // A conversation may go on for days, so only what never turns is surely above it.
  if (inner.period === 'session' && outer.period !== 'session') return outer.period === 'total';
  return order[inner.period] <= order[outer.period];
}

/** Limits that together are more than what is above them allows: who comes first takes it. */
export function oversubscribed({ budgets }: Config): readonly Finding[] {
  return budgets.flatMap((outer, index): Finding[] => {
    if (!outer.hard) return [];
    const sums = new Map<string, number>();
    for (const inner of budgets) {
      if (
        inner === outer ||
        inner.period !== outer.period ||
        !covers(scopeOf(outer), scopeOf(inner))
      )
        continue;
      const fields = scopeFields.filter((field) => inner.scope[field] !== undefined);
      if (fields.some((field) => inner.scope[field] === '*')) continue;
      sums.set(fields.join(), (sums.get(fields.join()) ?? 0) + inner.limit);
    }
    const sum = Math.max(0, ...sums.values());
    if (sum <= outer.limit) return [];
    const problem = `is less than the budgets within it have together (${usdText(sum)}), so those cannot all be used up`;
    return [{ path: ['budgets', index, 'limit_usd'], problem }];
  });
}

/** What `memory` forgets without a ledger. */
export function forgetful({ budgets, budgeting, ledger }: Config): readonly Finding[] {
  if (budgets.length === 0 || budgeting.store !== 'memory' || ledger.enabled) return [];
  const problem =
    'forgets what was spent when the process ends, since there is no ledger to rebuild it from; use sqlite, or switch ledger.enabled on';
  return [{ path: ['budgeting', 'store'], problem }];
}

function scopeOf({ scope, period }: BudgetConfig): Scope {
  return period === 'session' && scope.session === undefined ? { ...scope, session: '*' } : scope;
}

/** True where every call of `inner` is one of `outer`. */
function covers(outer: Scope, inner: Scope): boolean {
  return scopeFields.every((field) => {
    const wanted = outer[field];
    if (wanted === undefined) return true;
    return wanted === '*' ? inner[field] !== undefined : inner[field] === wanted;
  });
}
