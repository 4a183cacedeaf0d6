import { BoundedMap } from '../kernel/bounded-map.ts';
import { usd, type NanoUsd } from '../kernel/money.ts';
import type { BudgetStanding } from './standing.ts';

/** When a budget will be used up, as far as can be told. */
export interface Forecast {
  /** Milliseconds since the epoch, not beyond the window's end; undefined: not before its window ends, or not known. */
  readonly exhaustedAt: number | undefined;
  /** Too little was seen, or the pace changes too much, to rely on it. */
  readonly unsure: boolean;
  /** One sentence. */
  readonly text: string;
}

/** Money spent in a span of time. */
export interface Pace {
  readonly spanMs: number;
  readonly spent: NanoUsd;
}

const minute = 60_000;
const hour = 60 * minute;
/** A pace of less time than this is no pace. */
const leastSpan = 10 * minute;
/** Within this of each other, the window's own pace and that of the last hours tell the same story. */
const agreement = 2;

/** A forecast from the window's own pace and that of the last hours: the latter counts, since spend follows what agents do now. */
export function forecastOf(
  standing: BudgetStanding,
  recent: Pace | undefined,
  now: number,
): Forecast {
  const { budget, spent } = standing;
  const left = budget.limit - spent;
  if (left <= 0) return { exhaustedAt: now, unsure: false, text: 'It is used up.' };
  const whole = windowPace(standing, now);
  const lately = recent !== undefined && recent.spanMs >= leastSpan ? recent : undefined;
  const pace = lately ?? whole;
  if (pace === undefined || pace.spanMs < leastSpan) {
    return {
      exhaustedAt: undefined,
      unsure: true,
      text: 'Too little has been seen yet to say when it will be used up.',
    };
  }
  const unsure = isUnsure(whole, lately);
  const at = pace.spent <= 0 ? Infinity : now + (left * pace.spanMs) / pace.spent;
  const { text, exhaustedAt } = sentence(standing, { at, pace, whole, unsure });
  return { exhaustedAt, unsure, text };
}

interface Guess {
  readonly at: number;
  readonly pace: Pace;
  readonly whole: Pace | undefined;
  readonly unsure: boolean;
}

function sentence(
  { budget, window }: BudgetStanding,
  { at, pace, whole, unsure }: Guess,
): { readonly text: string; readonly exhaustedAt: number | undefined } {
  const lately = pace === whole ? 'of this window so far' : `of the last ${spanText(pace.spanMs)}`;
  const hourly = (usd(pace.spent) * hour) / pace.spanMs;
  const rate = hourly <= 0 ? 'nothing' : `$${hourly.toPrecision(2)} an hour`;
  const caution = unsure ? ' This is a rough guess: the pace has changed or little is known.' : '';
  const lasts = window.endsAt === undefined ? at === Infinity : at >= window.endsAt;
  if (lasts) {
    const until =
      window.endsAt === undefined ? '' : ` until ${timeText(window.endsAt, budget.timeZone)}`;
    return {
      exhaustedAt: undefined,
      text: `At the pace ${lately} (${rate}) it lasts${until}.${caution}`,
    };
  }
  const when = timeText(at, budget.timeZone);
  return {
    exhaustedAt: at,
    text: `At the pace ${lately} (${rate}) it is used up at about ${when}.${caution}`,
  };
}

/** The window's own pace; undefined where its beginning means nothing (`total`, `session`). */
function windowPace({ window, spent }: BudgetStanding, now: number): Pace | undefined {
  if (window.endsAt === undefined) return undefined;
  const spanMs = now - window.startsAt;
  return spanMs > 0 ? { spanMs, spent } : undefined;
}

function isUnsure(whole: Pace | undefined, lately: Pace | undefined): boolean {
  if (lately === undefined) return true;
  if (lately.spanMs < hour) return true;
  if (whole === undefined) return false;
  const [one, other] = [whole.spent / whole.spanMs, lately.spent / lately.spanMs];
  return one > agreement * other || other > agreement * one;
}

function spanText(ms: number): string {
  return ms < 2 * hour ? `${Math.round(ms / minute)} minutes` : `${Math.round(ms / hour)} hours`;
}

/** Such as `2026-11-25 14:30 (Europe/Berlin)`. */
export function timeText(at: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  // A far forecast may lie beyond what a date can hold.
  return Math.abs(at) > 8.64e15 ? 'never' : `${format.format(at)} (${timeZone})`;
}

interface Sample {
  readonly at: number;
  readonly spent: NanoUsd;
}

const sampleSpacing = 15 * minute;
/** Six hours. */
const samplesMax = 24;

/** What accounts had spent over the last hours, as far as this process saw; bounded. */
export class PaceTable {
  readonly #samples: BoundedMap<Sample[]>;

  constructor(maxAccounts = 10_000) {
    this.#samples = new BoundedMap(maxAccounts);
  }

  note({ account, at, spent }: BudgetStanding): void {
    const samples = this.#samples.getOr(account, () => []);
    const last = samples.at(-1);
    if (last !== undefined && at - last.at < sampleSpacing) return;
    if (samples.length >= samplesMax) samples.shift();
    samples.push({ at, spent });
  }

  /** The pace of the last hours; undefined where nothing was seen before. */
  of({ account, spent }: BudgetStanding, now: number): Pace | undefined {
    const first = this.#samples.get(account)?.[0];
    if (first === undefined || now <= first.at) return undefined;
    return { spanMs: now - first.at, spent: spent - first.spent };
  }
}
