import { describe, expect, it } from 'vitest';
import { faultText } from './fault.ts';
import { readConfig } from './read.ts';

function read(values: object) {
  const text = JSON.stringify({ ledger: { enabled: false }, ...values });
  return readConfig({ text, environment: {}, directory: '/tmp' });
}

/** Path and problem of each fault. */
function faults(budgets: unknown, more: object = {}): readonly string[] {
  return read({ budgets, ...more }).faults.map(({ path, problem }) => `${path} ${problem}`);
}

function warnings(budgets: unknown, more: object = {}): readonly string[] {
  const reading = read({ budgets, ...more });
  expect(reading.faults.map(faultText)).toEqual([]);
  return reading.config!.warnings.map((text) => text.replace('configuration:1:', ''));
}

const budget = { id: 'a', limit_usd: 1, period: 'daily' };

describe('budgets', () => {
  it('are read to the nano-dollar', () => {
    const limits = [0.1, '0.1', '25', 0.000000001, 1e-7, '1234567.123456789', 4_000_000];
    const budgets = Array.from(limits, (limit_usd, index) => ({
      ...budget,
      id: `b${index}`,
      scope: { agent: `agent ${index}` },
      limit_usd,
    }));
    expect(read({ budgets }).config!.budgets.map(({ limit }) => limit)).toEqual([
      100_000_000, 100_000_000, 25_000_000_000, 1, 100, 1_234_567_123_456_789,
      4_000_000_000_000_000,
    ]);
  });

  it.each([
    0,
    -1,
    '-0.5',
    'NaN',
    '1e3',
    '1,000',
    '$5',
    '',
    1e300,
    4_000_001,
    '0.0000000001',

    [],
    true,
  ])('take no limit of %j', (limit_usd) => {
    expect(faults([{ ...budget, limit_usd }])).toEqual([
      expect.stringMatching(/^budgets\[0\]\.limit_usd must be an amount of US dollars above 0/),
    ]);
  });

  it.each(['Mars/Olympus', '+02:00', 'CET DST', ''])('take no zone of %j', (time_zone) => {
    expect(faults([{ ...budget, time_zone }])[0]).toMatch(/^budgets\[0\]\.time_zone must/);
  });

  it('are refused with the path of what is wrong', () => {
    expect(faults([{ ...budget, period: 'yearly' }])[0]).toMatch(
      /^budgets\[0\]\.period must be one of/,
    );
    expect(faults([{ ...budget, scope: { agnet: 'x' } }])).toEqual([
      'budgets[0].scope.agnet is not a setting; did you mean agent?',
    ]);
    expect(faults([{ ...budget, id: 'a b' }])[0]).toMatch(/^budgets\[0\]\.id must be letters/);
    expect(faults([budget, { ...budget, period: 'weekly' }])).toEqual([
      'budgets[1].id must be different for each budget; another has the same id',
    ]);
    expect(faults({ daily: 5 })[0]).toMatch(/^budgets must be a list/);
    expect(faults([{ ...budget, scope: { agent: 'x'.repeat(257) } }])[0]).toMatch(
      /^budgets\[0\]\.scope\.agent/,
    );
  });

  it('are refused where two are for the same', () => {
    const twin = { ...budget, id: 'b', limit_usd: 2 };
    const problem = (index: number): string =>
      `budgets[${index}].scope must be for something else, or another period: "a" has the same scope and period; keep one`;
    expect(faults([budget, twin])).toEqual([problem(1)]);
    expect(faults([budget, { ...twin, period: 'weekly' }])).toEqual([]);
    expect(faults([budget, { ...twin, scope: { team: 'x' } }])).toEqual([]);
    // A budget of sessions is one for each, whether it says so or not.
    const session = { ...budget, period: 'session' };
    expect(faults([session, { ...session, id: 'b', scope: { session: '*' } }])).toEqual([
      problem(1),
    ]);
  });

  it('are warned of where a limit can never be reached', () => {
    const child = { ...budget, id: 'child', scope: { team: 'ml' }, limit_usd: 2 };
    expect(warnings([budget, child])).toEqual([
      expect.stringMatching(
        /budgets\[1\]\.limit_usd can never be reached: "a" is for the same calls and more, with 1 \(daily\)/,
      ),
      expect.stringMatching(
        /budgets\[0\]\.limit_usd is less than the budgets within it have together \(2\)/,
      ),
    ]);
    // A day's limit above that of its month.
    expect(
      warnings([
        { ...budget, limit_usd: 9 },
        { ...budget, id: 'month', period: 'monthly' },
      ]),
    ).toHaveLength(1);
    expect(warnings([budget, { ...child, limit_usd: 1 }])).toEqual([]);
    expect(warnings([{ ...budget, hard: false }, child])).toEqual([]);
    expect(warnings([budget, { ...child, period: 'monthly' }])).toEqual([]);
    expect(warnings([{ ...budget, scope: { team: 'other' } }, child])).toEqual([]);
  });

  it('are warned of where a parent is less than its children together', () => {
    const team = (name: string, limit_usd: number) => ({
      ...budget,
      id: name,
      scope: { team: name },
      limit_usd,
    });
    expect(warnings([budget, team('x', 0.5), team('y', 0.6)])).toEqual([
      expect.stringMatching(
        /budgets\[0\]\.limit_usd is less than the budgets within it have together \(1\.1\)/,
      ),
    ]);
    expect(warnings([budget, team('x', 0.5), team('y', 0.5)])).toEqual([]);
  });

  it('want a place to be counted in', () => {
    expect(faults([budget], { budgeting: { store: 'redis' } })).toEqual([
      'budgeting.store must be memory or sqlite as long as there is no section redis',
    ]);
    expect(warnings([budget], { budgeting: { store: 'memory' } })).toEqual([
      expect.stringMatching(/budgeting\.store forgets what was spent/),
    ]);
    expect(warnings([budget], { budgeting: { store_lost: 'share' } })).toEqual([
      expect.stringMatching(/budgeting\.store_lost has no effect/),
    ]);
  });

  it('have ceilings for providers that there are', () => {
    const budgeting = { ceilings: [{ provider: 'opneai', usd: 1 }, { usd: 0 }] };
    expect(
      faults([budget], { budgeting: { ceilings: [{ provider: 'opneai', usd: 1 }] } })[0],
    ).toMatch(/^budgeting\.ceilings\[0\]\.provider must name one of the providers/);
    expect(faults([budget], { budgeting })[0]).toMatch(/^budgeting\.ceilings\[1\]\.usd must be/);
  });
});
