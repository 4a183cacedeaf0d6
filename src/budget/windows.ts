import type { BudgetPeriod, BudgetWindow } from './budget.ts';
import { LocalDays, type DayNumber } from './local-days.ts';

const dayMs = 86_400_000;

const total: BudgetWindow = { name: 'total', startsAt: 0, endsAt: undefined };

/** A span of the calendar: its name and its days, the last one exclusive. */
interface Span {
  readonly name: string;
  readonly from: DayNumber;
  readonly to: DayNumber;
}

/** The calendar windows of a period in a zone. They follow from the time alone, so no job turns them and none can be missed. */
export class Windows {
  readonly #period: BudgetPeriod;
  readonly #days: LocalDays;
  #present: BudgetWindow | undefined;

  /** @throws RangeError for an unknown zone. */
  constructor(period: BudgetPeriod, timeZone: string) {
    this.#period = period;
    this.#days = daysOf(timeZone);
  }

  /**
   * The window that `at` (milliseconds since the epoch) lies in. Reckoned once for each window, and again when the clock leaves it, forwards or backwards.
   * A period of sessions has days here, for calls that name no session.
   */
  at(at: number): BudgetWindow {
    const present = this.#present;
    if (present !== undefined && at >= present.startsAt && at < (present.endsAt ?? Infinity)) {
      return present;
    }
    if (this.#period === 'total') return (this.#present = total);
    const span = spanOf(this.#period, this.#days.dayOf(at));
    return (this.#present = {
      name: span.name,
      startsAt: this.#days.startOf(span.from),
      endsAt: this.#days.startOf(span.to),
    });
  }
}

function spanOf(period: Exclude<BudgetPeriod, 'total'>, day: DayNumber): Span {
  if (period === 'weekly') return weekOf(day);
  if (period === 'monthly') return monthOf(day);
  return { name: new Date(day * dayMs).toISOString().slice(0, 10), from: day, to: day + 1 };
}

/** ISO 8601: a week begins on Monday and belongs to the year of its Thursday. */
function weekOf(day: DayNumber): Span {
  // 1 January 1970 was a Thursday.
  const monday = Math.floor((day + 3) / 7) * 7 - 3;
  const year = new Date((monday + 3) * dayMs).getUTCFullYear();
  const first = Date.UTC(year, 0, 4) / dayMs; // 4 January is always in week 1
  const firstMonday = Math.floor((first + 3) / 7) * 7 - 3;
  const week = (monday - firstMonday) / 7 + 1;
  return { name: `${year}-W${String(week).padStart(2, '0')}`, from: monday, to: monday + 7 };
}

function monthOf(day: DayNumber): Span {
  const date = new Date(day * dayMs);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return {
    name: date.toISOString().slice(0, 7),
    from: Date.UTC(year, month) / dayMs,
    to: Date.UTC(year, month + 1) / dayMs,
  };
}

const zones = new Map<string, LocalDays>();

/** Many budgets, few zones. */
function daysOf(timeZone: string): LocalDays {
  let days = zones.get(timeZone);
  if (days === undefined) {
    days = new LocalDays(timeZone);
    zones.set(timeZone, days);
  }
  return days;
}
