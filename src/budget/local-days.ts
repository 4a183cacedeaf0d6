const dayMs = 86_400_000;
/** No zone was ever further from UTC than this. */
const farthestMs = 16 * 3_600_000;

/** A day of the calendar, counted from 1 January 1970. */
export type DayNumber = number;

/**
 * The days of a time zone. A day begins at the first instant whose local time is not before its midnight: where clocks skip midnight, at the
 * skip; where they go back over it, the first time it strikes. So days tile time, whatever a zone does; a date that a zone left out is empty.
 */
export class LocalDays {
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError for an unknown zone. */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** The day that `at` (milliseconds since the epoch) belongs to. */
  dayOf(at: number): DayNumber {
    let day = Math.floor((at + this.#offset(at)) / dayMs);
    // Where clocks went back over midnight, the hour before it comes again, and is counted to the day that has begun.
    while (this.startOf(day + 1) <= at) day++;
    while (this.startOf(day) > at) day--;
    return day;
  }

  /** When a day begins, milliseconds since the epoch. */
  startOf(day: DayNumber): number {
    const midnight = day * dayMs;
    const from = midnight - farthestMs;
    const to = midnight + farthestMs;
    const before = this.#offset(from);
    const after = this.#offset(to);
    if (before === after) return midnight - before;
    const change = this.#changeBetween(from, to, before);
    const early = midnight - before;
    return early < change ? early : Math.max(change, midnight - after);
  }

  /** The first instant after `from` at which the zone is not `offset` from UTC. */
  #changeBetween(from: number, to: number, offset: number): number {
    let [low, high] = [from, to];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offset(middle) === offset) low = middle;
      else high = middle;
    }
    return high;
  }

  /** Local time less UTC, in milliseconds. */
  #offset(at: number): number {
    const parts: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = value;
    const year = Number(parts['year']);
    const local = new Date(0);
    local.setUTCFullYear(
      parts['era'] === 'BC' ? 1 - year : year,
      Number(parts['month']) - 1,
      Number(parts['day']),
    );
    local.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']));
    return local.getTime() - Math.floor(at / 1000) * 1000;
  }
}
