import type { Pressure, PressureAction } from '../../exchange/call.ts';
import { fillOf, isUsedUp } from '../fill.ts';
import type { BudgetStanding } from '../standing.ts';
import type { Decision } from './decisions.ts';
import { actionsAt, nextLevel, type LadderPolicy } from './levels.ts';

/** An account that has reached a level of the ladder. */
export interface Rung {
  readonly standing: BudgetStanding;
  readonly level: number;
  /** Calls were turned away when nearly all was spent: until spend falls or the limit changes it counts as all. */
  readonly usedUp: boolean;
  /** As calls meet it. */
  readonly pressure: Pressure;
}

/** Where an account stands on the ladder after `standing`; undefined: below its first level. */
export function rungOf(
  before: Rung | undefined,
  standing: BudgetStanding,
  policy: LadderPolicy,
): Rung | undefined {
  const usedUp =
    isUsedUp(standing) || (before !== undefined && staysUsedUp(before, standing, policy));
  const fill = usedUp ? Math.max(1, fillOf(standing)) : fillOf(standing);
  const level = nextLevel(before?.level ?? 0, fill, policy);
  if (level === 0) return undefined;
  if (before?.level === level && before.standing.budget.hard === standing.budget.hard) {
    return { ...before, standing, usedUp };
  }
  const { budget, window } = standing;
  return {
    standing,
    level,
    usedUp,
    pressure: {
      level,
      actions: new Set(actionsAt(level, policy.levels, budget.hard)),
      budget: budget.id,
      until: window.endsAt,
    },
  };
}

function staysUsedUp(before: Rung, standing: BudgetStanding, { margin }: LadderPolicy): boolean {
  if (!before.usedUp || before.standing.budget.limit !== standing.budget.limit) return false;
  return fillOf(standing) >= fillOf(before.standing) - margin;
}

/** Why a level changed, for the journal. */
export function reasonOf(
  before: Rung | undefined,
  standing: BudgetStanding,
  to: number,
): Extract<Decision, { kind: 'level' }>['why'] {
  if (before !== undefined && before.standing.budget.limit !== standing.budget.limit) {
    return 'limit-changed';
  }
  if (to < (before?.level ?? 0)) return 'spend-fell';
  return standing.refused === true && isUsedUp(standing) ? 'refused' : 'spend';
}

/** What several budgets ask of a call together: the level of the one that presses most, and what any of them asks. */
export function joined(one: Pressure | undefined, other: Pressure): Pressure {
  if (one === undefined) return other;
  const [more, less] = other.level > one.level ? [other, one] : [one, other];
  if (isWithin(less.actions, more.actions)) return more;
  return { ...more, actions: new Set([...more.actions, ...less.actions]) };
}

function isWithin(part: ReadonlySet<PressureAction>, whole: ReadonlySet<PressureAction>): boolean {
  for (const each of part) if (!whole.has(each)) return false;
  return true;
}
