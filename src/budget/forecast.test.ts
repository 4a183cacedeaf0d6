import { expect, test } from 'vitest';
import { forecastOf, PaceTable } from './forecast.ts';
import { sampleBudget, sampleStanding } from './sample-standing.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 0, 1);

test('the pace of the last hours says when a budget is used up, in its own time zone', () => {
  const standing = sampleStanding(6, { budget: sampleBudget({ timeZone: 'Europe/Berlin' }) });
  // 6 dollars in 12 hours, and 2 in the last 4: half a dollar an hour either way.
  const forecast = forecastOf(standing, { spanMs: 4 * hour, spent: 2e9 }, start + 12 * hour);
  expect(forecast.exhaustedAt).toBe(start + 20 * hour);
  expect(forecast.unsure).toBe(false);
  expect(forecast.text).toBe(
    'At the pace of the last 4 hours ($0.50 an hour) it is used up at about 2026-01-01 21:00 (Europe/Berlin).',
  );
});

test('a budget that lasts until its window ends is said to last', () => {
  const forecast = forecastOf(
    sampleStanding(2),
    { spanMs: 2 * hour, spent: 0.3e9 },
    start + 12 * hour,
  );
  expect(forecast.exhaustedAt).toBeUndefined();
  expect(forecast.text).toContain('it lasts until 2026-01-02 00:00 (UTC)');
});

test.each([
  ['nothing is known but the first minutes', undefined, start + 60_000],
  ['a total budget was never seen before', undefined, start + hour],
])('where %s, it says so', (_why, recent, now) => {
  const standing = sampleStanding(5, {
    window: { name: 'total', startsAt: 0, endsAt: undefined },
  });
  const forecast = forecastOf(standing, recent, now);
  expect(forecast).toMatchObject({ exhaustedAt: undefined, unsure: true });
});

test('two paces that tell different stories make it a rough guess', () => {
  const forecast = forecastOf(
    sampleStanding(5),
    { spanMs: 2 * hour, spent: 4e9 },
    start + 12 * hour,
  );
  expect(forecast.unsure).toBe(true);
  expect(forecast.text).toContain('a rough guess');
  expect(forecast.exhaustedAt).toBe(start + 12 * hour + (5 / 4) * 2 * hour);
});

test('what is spent is used up', () => {
  expect(forecastOf(sampleStanding(10), undefined, start).text).toBe('It is used up.');
});

test('spend that stands still lasts for ever and is written as a date nowhere', () => {
  const standing = sampleStanding(5, { window: { name: 'total', startsAt: 0, endsAt: undefined } });
  const forecast = forecastOf(standing, { spanMs: 2 * hour, spent: 0 }, start);
  expect(forecast.text).toContain('it lasts.');
});

test('a pace table keeps six hours and forgets what came before', () => {
  const table = new PaceTable();
  for (let quarter = 0; quarter < 100; quarter++) {
    table.note(sampleStanding(quarter / 100, { at: start + (quarter * hour) / 4 }));
  }
  const now = start + 25 * hour;
  const pace = table.of(sampleStanding(1), now)!;
  expect(pace.spanMs).toBeLessThanOrEqual(7 * hour);
  expect(pace.spent / pace.spanMs).toBeCloseTo(0.04e9 / hour, 1);
});
