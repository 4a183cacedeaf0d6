import { BoundedMap } from '../../kernel/bounded-map.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { NanoUsd } from '../../kernel/money.ts';
import { fillOf, isUsedUp } from '../fill.ts';
import { forecastOf, type PaceTable } from '../forecast.ts';
import type { BudgetStanding } from '../standing.ts';
import { alertOf, type Alert } from './alert.ts';

export interface AlerterOptions {
  /** Shares of the limit for a budget, ascending. */
  readonly thresholds: (budget: string) => readonly number[];
  readonly pace: PaceTable;
  /** Sees to it that the alert arrives once, whichever replica sends it. */
  readonly send: (alert: Alert, passed: readonly number[]) => void;
  readonly clock: Clock;
  readonly maxAccounts?: number;
}

interface Reached {
  limit: NanoUsd;
  /** How many thresholds. */
  count: number;
}

/** Calls are turned away from here on more often than money is spent: the last alert must not wait for the last cent. */
const exhaustedFrom = 0.8;

/**
 * Hears how budgets stand and raises an alert whenever one has passed a threshold. Where several are passed at once only the highest is raised: four
 * messages about one moment help nobody.
 */
export class Alerter {
  readonly #options: AlerterOptions;
  readonly #reached: BoundedMap<Reached>;

  constructor(options: AlerterOptions) {
    this.#options = options;
    this.#reached = new BoundedMap(options.maxAccounts ?? 10_000);
  }

  /** A `StandingListener`. */
  hear(standing: BudgetStanding): void {
    const { budget, account, window } = standing;
    const { thresholds, pace, clock, send } = this.#options;
    pace.note(standing);
    const shares = thresholds(budget.id);
    const count = countReached(standing, shares);
    const known = this.#reached.get(account);
    if (known === undefined) {
      if (count === 0) return;
    } else if (known.limit === budget.limit && count <= known.count) return;
    this.#reached.set(account, { limit: budget.limit, count });
    const now = clock.now();
    // What settles after its window is over is nobody's news.
    if (count === 0 || (window.endsAt !== undefined && window.endsAt <= now)) return;
    const forecast = forecastOf(standing, pace.of(standing, now), now);
    const passed = shares.slice(0, count);
    send(alertOf(standing, passed.at(-1)!, forecast), passed);
  }
}

function countReached(standing: BudgetStanding, shares: readonly number[]): number {
  const fill = isUsedUp(standing, exhaustedFrom) ? Math.max(1, fillOf(standing)) : fillOf(standing);
  let count = 0;
  while (count < shares.length && fill >= shares[count]!) count++;
  return count;
}
