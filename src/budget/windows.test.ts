import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BudgetPeriod } from './budget.ts';
import { LocalDays } from './local-days.ts';
import { Windows } from './windows.ts';

const zones = Intl.supportedValuesOf('timeZone');
const calendar = ['daily', 'weekly', 'monthly'] as const satisfies readonly BudgetPeriod[];
const hour = 3_600_000;
const at = (text: string): number => Date.parse(text);

function window(period: BudgetPeriod, zone: string, time: string): [string, number] {
  const { name, startsAt, endsAt } = new Windows(period, zone).at(at(time));
  return [name, (endsAt! - startsAt) / hour];
}

/** Local date and time as the platform itself tells them. */
function localDate(time: number, zone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(time);
}

describe('windows', () => {
  it('tile time: each instant is in one, and the next begins where it ends', () => {
    const instants = fc.integer({ min: at('1975-01-01'), max: at('2045-01-01') });
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...calendar),
        instants,
        (zone, period, instant) => {
          const windows = new Windows(period, zone);
          const here = windows.at(instant);
          expect(here.startsAt).toBeLessThanOrEqual(instant);
          expect(here.endsAt!).toBeGreaterThan(instant);
          const next = windows.at(here.endsAt!);
          const before = windows.at(here.startsAt - 1);
          expect(next.startsAt).toBe(here.endsAt);
          expect(before.endsAt).toBe(here.startsAt);
          expect(new Set([before.name, here.name, next.name]).size).toBe(3);
          // Whatever the order of asking, the answer is the same.
          expect(new Windows(period, zone).at(instant)).toEqual(windows.at(instant));
          expect(windows.at(here.startsAt)).toEqual(here);
          expect(windows.at(here.endsAt! - 1)).toEqual(here);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are those of the local calendar in every zone', () => {
    for (const zone of zones) {
      for (const time of [
        at('2026-03-29T12:00Z'),
        at('2026-10-25T12:00Z'),
        at('2024-12-30T23:59Z'),
      ]) {
        const date = localDate(time, zone);
        const day = new Windows('daily', zone).at(time);
        expect([zone, day.name]).toEqual([zone, date]);
        expect(localDate(day.startsAt, zone)).toBe(date);
        expect(new Windows('monthly', zone).at(time).name).toBe(date.slice(0, 7));
      }
    }
  });

  it('have 23 or 25 hours where clocks are changed', () => {
    expect(window('daily', 'Europe/Berlin', '2026-03-29T12:00Z')).toEqual(['2026-03-29', 23]);
    expect(window('daily', 'Europe/Berlin', '2026-10-25T12:00Z')).toEqual(['2026-10-25', 25]);
    expect(window('daily', 'Australia/Lord_Howe', '2026-04-04T20:00Z')).toEqual([
      '2026-04-05',
      24.5,
    ]);
    expect(window('weekly', 'America/New_York', '2026-03-08T12:00Z')).toEqual(['2026-W10', 167]);
    expect(window('monthly', 'America/New_York', '2026-11-05T12:00Z')).toEqual(['2026-11', 721]);
  });

  it('begin at the skip where there is no midnight', () => {
    // Chile goes from 24:00 to 01:00.
    const day = new Windows('daily', 'America/Santiago').at(at('2026-09-06T15:00Z'));
    expect([day.name, day.startsAt]).toEqual(['2026-09-06', at('2026-09-06T04:00Z')]);
    expect((day.endsAt! - day.startsAt) / hour).toBe(23);
  });

  it('do not begin twice where clocks go back over midnight', () => {
    // In Cuba 01:00 becomes 00:00; in Newfoundland, until 2011, 00:01 became 23:01 of the day before.
    expect(window('daily', 'America/Havana', '2026-11-01T12:00Z')).toEqual(['2026-11-01', 25]);
    const begins = at('2010-11-07T02:30Z'); // the first midnight
    const windows = new Windows('daily', 'America/St_Johns');
    expect(windows.at(begins - 1).name).toBe('2010-11-06');
    for (const minutes of [0, 1, 30, 61, 600])
      expect(windows.at(begins + minutes * 60_000).name).toBe('2010-11-07');
  });

  it('pass over a date that a zone left out', () => {
    const windows = new Windows('daily', 'Pacific/Apia');
    const last = windows.at(at('2011-12-30T09:59Z'));
    expect([last.name, windows.at(last.endsAt!).name]).toEqual(['2011-12-29', '2011-12-31']);
  });

  it('name weeks as ISO 8601 does', () => {
    const weeks = { '2024-12-30': '2025-W01', '2027-01-03': '2026-W53', '2026-11-25': '2026-W48' };
    for (const [day, name] of Object.entries(weeks))
      expect(window('weekly', 'UTC', `${day}T12:00Z`)).toEqual([name, 168]);
  });

  it('follow the clock, forwards and back', () => {
    const windows = new Windows('daily', 'UTC');
    const names = ['2026-01-01', '2026-06-01', '2026-01-01', '1970-01-01'];
    for (const name of names) expect(windows.at(at(`${name}T00:00Z`)).name).toBe(name);
  });

  it('are reckoned once', () => {
    const windows = new Windows('monthly', 'Asia/Tokyo');
    expect(windows.at(at('2026-01-02'))).toBe(windows.at(at('2026-01-30')));
  });

  it('never end where the period is the total', () => {
    expect(new Windows('total', 'UTC').at(0)).toEqual({
      name: 'total',
      startsAt: 0,
      endsAt: undefined,
    });
  });

  it('want a zone that there is', () => {
    expect(() => new LocalDays('Mars/Olympus')).toThrow(RangeError);
  });
});
