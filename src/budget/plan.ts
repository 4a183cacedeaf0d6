import { EconomizerError } from '../kernel/errors.ts';
import type { BudgetDefinition, BudgetScope, BudgetWindow, Standpoint } from './budget.ts';
import { accountOf, matchesOf, type ScopeMatch } from './scope.ts';
import type { AccountLine } from './store.ts';
import { Windows } from './windows.ts';

/** An account that a call draws on, and whose it is. */
export interface Touched extends AccountLine {
  readonly budget: BudgetDefinition;
  /** What `*` in the scope stands for here; undefined where the scope has none. */
  readonly value: string | undefined;
  readonly window: BudgetWindow;
}

/** All accounts of an installation in one slot of a Redis cluster: a call may draw on a tenant's budget and on one of all tenants at once. */
const slot = 'budgets';
/** More accounts than that no call draws on. */
const accountLimit = 32;
const dayMs = 86_400_000;
/** Sessions have no end that anybody tells; one is forgotten so many days after its last call. */
export const sessionDays = 30;

/** A budget, ready to be asked. */
export interface Planned {
  readonly budget: BudgetDefinition;
  readonly scope: BudgetScope;
  readonly windows: Windows;
}

/** The configured budgets, ready to be asked which of them a call draws on. */
export class Plan {
  readonly budgets: readonly BudgetDefinition[];
  readonly planned: readonly Planned[];

  constructor(budgets: readonly BudgetDefinition[]) {
    this.budgets = budgets;
    this.planned = budgets.map((budget) => ({
      budget,
      scope: scopeOf(budget),
      windows: new Windows(budget.period, budget.timeZone),
    }));
  }

  /** @param now milliseconds since the epoch. @throws EconomizerError `ECO_BAD_HEADER`. */
  touched(standpoint: Standpoint, now: number): readonly Touched[] {
    const touched: Touched[] = [];
    for (const planned of this.planned) {
      for (const match of matchesOf(planned.scope, standpoint)) {
        touched.push(touchedOf(planned, match, { now, session: standpoint.session }));
      }
    }
    if (touched.length > accountLimit) throw tooMany(standpoint);
    return touched;
  }

  /** The accounts that can be named without a call: those of scopes without `*`. */
  single(now: number): readonly Touched[] {
    return this.planned
      .filter(({ scope }) => !Object.values(scope).includes('*'))
      .map((planned) =>
        touchedOf(planned, { code: '', value: undefined }, { now, session: planned.scope.session }),
      );
  }
}

/** A budget for each session is one whether or not its scope says so. */
export function scopeOf({ scope, period }: BudgetDefinition): BudgetScope {
  return period === 'session' && scope.session === undefined ? { ...scope, session: '*' } : scope;
}

/** The account of a budget for one value, at a time. */
export function touchedOf(
  { budget, windows }: { readonly budget: BudgetDefinition; readonly windows: Windows },
  match: ScopeMatch,
  { now, session }: { readonly now: number; readonly session: string | undefined },
): Touched {
  // What names no session shares an account, which must not fill up for ever: it has one a day.
  const isSession = budget.period === 'session' && (session ?? '') !== '';
  const window = isSession ? sessionWindow : windows.at(now);
  return {
    account: accountOf(slot, budget.id, match, window.name),
    limit: budget.limit,
    hard: budget.hard,
    endsAt: isSession ? (Math.floor(now / dayMs) + 1 + sessionDays) * dayMs : window.endsAt,
    budget,
    value: match.value,
    window,
  };
}

const sessionWindow: BudgetWindow = { name: 'session', startsAt: 0, endsAt: undefined };

function tooMany({ tags }: Standpoint): EconomizerError {
  return new EconomizerError(
    'ECO_BAD_HEADER',
    `A call may draw on ${accountLimit} budgets at most, and this one has ${tags.length} tags with a budget each; send fewer in x-economizer-tags.`,
    { param: 'x-economizer-tags' },
  );
}
