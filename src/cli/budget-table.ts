import Table from 'cli-table3';
import type { BudgetOverview, BudgetState } from '../budget/desk.ts';
import { timeText } from '../budget/forecast.ts';
import type { Decision } from '../budget/ladder/decisions.ts';
import { scopeText, type Emergency } from '../budget/ladder/emergency.ts';
import type { SavingEstimate } from '../budget/ladder/savings.ts';
import { usd } from '../kernel/money.ts';
import { dollars } from './replay-table.ts';

/** How budgets stand, for people. */
export function overviewText(overview: BudgetOverview): string {
  const { budgets, emergencies, decisions, saving, isLadderOn } = overview;
  const parts = [budgets.length === 0 ? 'No budget has an account yet.' : budgetsTable(budgets)];
  for (const { standing, forecast } of budgets) {
    parts.push(`${nameOf(standing.budget.id, standing.value)}: ${forecast.text}`);
  }
  parts.push(...emergencies.map(emergencyText));
  if (!isLadderOn) {
    parts.push(
      'The protection ladder is off; protection.enabled in the configuration switches it on.',
    );
  }
  if (saving !== undefined) parts.push(savingText(saving));
  if (decisions.length > 0)
    parts.push(`Last decisions:\n${decisions.map(decisionText).join('\n')}`);
  return parts.join('\n');
}

function budgetsTable(budgets: readonly BudgetState[]): string {
  const table = new Table({
    head: [
      'budget',
      'for',
      'window',
      'limit',
      'spent',
      'held',
      'left',
      'used',
      'resets',
      'level',
      'in force',
    ],
    colAligns: [
      'left',
      'left',
      'left',
      'right',
      'right',
      'right',
      'right',
      'right',
      'left',
      'right',
      'left',
    ],
    style: { head: [], border: [] },
  });
  for (const { standing, level, actions } of budgets) {
    const { budget, value, window, spent, held } = standing;
    table.push([
      budget.hard ? budget.id : `${budget.id} (soft)`,
      value ?? 'all',
      window.name,
      dollars(usd(budget.limit)),
      dollars(usd(spent)),
      dollars(usd(held)),
      dollars(usd(Math.max(0, budget.limit - spent - held))),
      `${Math.floor((100 * spent) / budget.limit)} %`,
      window.endsAt === undefined ? 'never' : timeText(window.endsAt, budget.timeZone),
      level,
      actions.join(' '),
    ]);
  }
  return table.toString();
}

function nameOf(id: string, value: string | undefined): string {
  return value === undefined ? id : `${id} for ${value === '' ? '(no name)' : value}`;
}

/** A switch that is on, in one sentence. */
export function emergencyText({ scope, level, since, until, by }: Emergency): string {
  const whose = by === undefined ? '' : ` by ${by}`;
  const end = until === undefined ? 'until it is switched off' : `until ${timeText(until, 'UTC')}`;
  return `EMERGENCY for ${scopeText(scope)}: level ${level} since ${timeText(since, 'UTC')}${whose}, ${end}.`;
}

/** What the switch would save, and what that rests on. */
export function savingText(saving: SavingEstimate): string {
  const { days, calls, isSample, spend, shutdown, cheaperModels, cacheMoreAtMost } = saving;
  const basis = `the last ${days} day(s), ${isSample ? 'the newest ' : ''}${calls.toLocaleString('en-US')} calls`;
  if (calls === 0)
    return 'What the emergency switch would save is not known: the ledger has no calls of the last week.';
  return (
    `The emergency switch would save about ${dollars(usd(shutdown))} of ${dollars(usd(spend))} a day (estimated from ${basis}): the spend of agents that are not essential. ` +
    `Cheaper models alone would save ${dollars(usd(cheaperModels))}, longer caching at most ${dollars(usd(cacheMoreAtMost))} a day.`
  );
}

function decisionText(decision: Decision): string {
  const at = new Date(decision.at).toISOString().slice(0, 19);
  switch (decision.kind) {
    case 'level': {
      const force = decision.actions.length === 0 ? '' : `: ${decision.actions.join(', ')}`;
      return `  ${at}  ${nameOf(decision.budget, decision.value)}  level ${decision.from} -> ${decision.to} (${decision.why})${force}`;
    }
    case 'emergency':
      return `  ${at}  emergency ${decision.on ? 'on' : 'off'} for ${decision.scope}, level ${decision.level}`;
    case 'alert':
      return `  ${at}  ${nameOf(decision.budget, decision.value)}  alert at ${Math.round(decision.threshold * 100)} %`;
    case 'loop':
      return `  ${at}  loop of ${decision.tools.join(', ')} ${decision.times} times by ${decision.agent ?? '(no agent)'}${decision.refused ? ', refused' : ''}`;
  }
  return decision satisfies never;
}
