import { digestOf } from '../../kernel/digest.ts';
import { usd, type NanoUsd } from '../../kernel/money.ts';
import { timeText, type Forecast } from '../forecast.ts';
import type { BudgetStanding } from '../standing.ts';

/** A budget has spent a share of its limit that somebody wants to hear of. */
export interface Alert {
  /** The same on every replica and at every attempt, so that a receiver can tell a repeat. */
  readonly id: string;
  readonly standing: BudgetStanding;
  /** Share of the limit, 0 to 1; lower ones that were passed at the same time get no alert of their own. */
  readonly threshold: number;
  readonly forecast: Forecast;
  /** For people: what happened, what is left, when it resets, how long it will last. */
  readonly text: string;
}

/** Somewhere that alerts go. */
export interface AlertSink {
  /** The same on every replica; tells no secret. */
  readonly name: string;
  /** Resolves when the alert has arrived, or with `gone` where the receiver wants no more. @throws where it has not arrived; it will be tried again. */
  deliver(alert: Alert): Promise<'gone' | void> | 'gone' | void;
}

export function alertOf(standing: BudgetStanding, threshold: number, forecast: Forecast): Alert {
  return {
    id: `msg_${digestOf(alertName(standing, threshold)).slice(0, 27)}`,
    standing,
    threshold,
    forecast,
    text: alertText(standing, threshold, forecast),
  };
}

/** Names an alert among all of the installation. A new limit begins anew: what 90 % means has changed. */
export function alertName({ account, budget }: BudgetStanding, threshold: number): string {
  return `${account}/${budget.limit}/${threshold}`;
}

/** Such as `"daily" for agent-7`. */
export function budgetText({ budget, value }: BudgetStanding): string {
  return value === undefined ? `"${budget.id}"` : `"${budget.id}" for ${value}`;
}

function alertText(standing: BudgetStanding, threshold: number, forecast: Forecast): string {
  const { budget, window, spent, refused } = standing;
  const share = Math.floor((100 * spent) / budget.limit);
  const left = Math.max(0, budget.limit - spent);
  const spentText = `$${money(spent)} of $${money(budget.limit)} (${share} %) are spent in ${window.name}, $${money(left)} are left`;
  const resets =
    window.endsAt === undefined ? '' : `; it resets at ${timeText(window.endsAt, budget.timeZone)}`;
  const stopped =
    threshold >= 1 && budget.hard && refused === true
      ? ' Calls that could cost more than what is left are refused.'
      : '';
  return `Budget ${budgetText(standing)} has reached ${Math.round(threshold * 100)} %: ${spentText}${resets}.${stopped} ${forecast.text}`;
}

/** Dollars for people: cents where they say enough. */
export function money(nano: NanoUsd): string {
  const amount = usd(nano);
  return Math.abs(amount) >= 1 || amount === 0 ? amount.toFixed(2) : amount.toPrecision(3);
}
