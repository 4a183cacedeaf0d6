import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../kernel/random.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { PaceTable } from '../forecast.ts';
import { sampleBudget, sampleStanding } from '../sample-standing.ts';
import type { BudgetStanding } from '../standing.ts';
import type { Alert, AlertSink } from './alert.ts';
import { Alerter } from './alerter.ts';
import { Courier } from './courier.ts';
import { fakeClaims } from './fake-claims.ts';

const thresholds = [0.5, 0.8, 0.9, 1];

/** Lets promises run, and the clock go on with them. */
async function pass(clock: SimulatedClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    clock.advance(Math.min(1000, left));
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

interface World {
  readonly clock: SimulatedClock;
  readonly got: Alert[];
  readonly failures: string[];
  replica: (deliver?: (alert: Alert) => Promise<'gone' | void>) => {
    hear: (standing: BudgetStanding) => void;
    courier: Courier;
  };
}

function world(giveUpMs = 86_400_000, storeLagMs = 0): World {
  const clock = new SimulatedClock();
  const store = fakeClaims({ now: () => clock.now() - storeLagMs });
  const got: Alert[] = [];
  const failures: string[] = [];
  return {
    clock,
    got,
    failures,
    replica(deliver = async (alert) => void got.push(alert)) {
      const signals = new Signals();
      signals.on('part-failed', ({ operation }) => failures.push(operation));
      const sink: AlertSink = { name: 'test', deliver };
      const random = seededRandom(1);
      const courier = new Courier({ store, sinks: [sink], clock, random, signals, giveUpMs });
      const alerter = new Alerter({
        thresholds: () => thresholds,
        pace: new PaceTable(),
        clock,
        send: (alert, passed) => courier.send(alert, passed),
      });
      return { hear: (standing) => alerter.hear(standing), courier };
    },
  };
}

describe('alerts', () => {
  test('each threshold is told of once, as spend passes it', async () => {
    const { clock, got, replica } = world();
    const { hear } = replica();
    for (let cents = 0; cents <= 1000; cents += 7) {
      hear(sampleStanding(cents / 100));
      await pass(clock, 10);
    }
    hear(sampleStanding(10));
    await pass(clock, 1000);
    expect(got.map(({ threshold }) => threshold)).toEqual(thresholds);
  });

  test('what is only held raises none', async () => {
    const { clock, got, replica } = world();
    replica().hear(sampleStanding(1, { held: 9e9 }));
    await pass(clock, 1000);
    expect(got).toEqual([]);
  });

  test('a jump over several is told of once, with the highest', async () => {
    const { clock, got, replica } = world();
    const { hear } = replica();
    hear(sampleStanding(1));
    hear(sampleStanding(9.5));
    await pass(clock, 1000);
    expect(got.map(({ threshold }) => threshold)).toEqual([0.9]);
    expect(got[0]!.text).toContain(
      'Budget "daily" has reached 90 %: $9.50 of $10.00 (95 %) are spent',
    );
    expect(got[0]!.text).toContain('$0.500 are left; it resets at 2026-01-02 00:00 (UTC)');
  });

  test('a hard budget that turns calls away with little left has reached 100 %', async () => {
    const { clock, got, replica } = world();
    const { hear } = replica();
    hear(sampleStanding(3, { refused: true }));
    await pass(clock, 1000);
    expect(got).toEqual([]); // one call was too large; the budget is not used up
    hear(sampleStanding(9.2, { refused: true }));
    await pass(clock, 1000);
    expect(got.map(({ threshold }) => threshold)).toEqual([1]);
  });

  test('a new window begins anew, and so does a new limit', async () => {
    const { clock, got, replica } = world();
    const { hear } = replica();
    hear(sampleStanding(6));
    await pass(clock, 1000);
    hear(sampleStanding(6, { budget: sampleBudget({ limit: 11e9 }) }));
    await pass(clock, 1000);
    clock.advance(86_400_000);
    const startsAt = Date.UTC(2026, 0, 2);
    const window = { name: '2026-01-02', startsAt, endsAt: startsAt + 86_400_000 };
    hear(sampleStanding(6, { window, account: '{budgets}daily/@2026-01-02' }));
    await pass(clock, 1000);
    expect(got.map(({ standing }) => [standing.window.name, standing.budget.limit])).toEqual([
      ['2026-01-01', 10e9],
      ['2026-01-01', 11e9],
      ['2026-01-02', 10e9],
    ]);
  });

  test('what settles after its window is over is nobody’s news', async () => {
    const { clock, got, replica } = world();
    clock.advance(86_400_001);
    replica().hear(sampleStanding(9));
    await pass(clock, 1000);
    expect(got).toEqual([]);
  });
});

describe('with many replicas', () => {
  test('whatever each of them sees and when, each threshold arrives at most once and the highest always', async () => {
    const events = fc.array(
      fc.record({ replica: fc.nat(3), spent: fc.nat(100), wait: fc.nat(3) }),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    await fc.assert(
      fc.asyncProperty(events, async (list) => {
        const { clock, got, replica } = world();
        const replicas = Array.from({ length: 4 }, () => replica());
        let spent = 0;
        for (const event of list) {
          spent = Math.max(spent, event.spent / 10);
          replicas[event.replica]!.hear(sampleStanding(spent));
          await pass(clock, event.wait * 500);
        }
        await pass(clock, 200_000);
        const told = got.map(({ threshold }) => threshold);
        expect(new Set(told).size).toBe(told.length);
        const reached = thresholds.findLast((each) => spent / 10 >= each);
        expect(told.at(-1)).toBe(reached);
      }),
      { numRuns: 50 },
    );
  });

  test('one that dies with an alert in its hands loses nothing: another brings it, under the same id', async () => {
    const { clock, got, replica } = world();
    const dying = replica(() => new Promise<void>(() => {})); // never comes to an end
    const other = replica();
    dying.hear(sampleStanding(6));
    await pass(clock, 1000);
    other.hear(sampleStanding(6));
    await pass(clock, 30_000);
    expect(got).toEqual([]); // the dead one's lease still holds
    await pass(clock, 60_000);
    expect(got.map(({ threshold }) => threshold)).toEqual([0.5]);
  });

  test('where the store’s clock is behind, an alert comes once all the same', async () => {
    const { clock, got, replica } = world(86_400_000, 5000);
    replica().hear(sampleStanding(6));
    await pass(clock, 1000);
    replica().hear(sampleStanding(6));
    await pass(clock, 300_000);
    expect(got).toHaveLength(1);
  });

  test('the same process, started again, brings it', async () => {
    const { clock, got, replica } = world();
    replica(() => new Promise<void>(() => {})).hear(sampleStanding(6));
    await pass(clock, 70_000);
    replica().hear(sampleStanding(6.01));
    await pass(clock, 3000);
    expect(got).toHaveLength(1);
  });
});

describe('a receiver that fails', () => {
  test('is tried again, ever less often, until it takes the alert', async () => {
    const { clock, got, failures, replica } = world();
    const times: number[] = [];
    const { hear, courier } = replica(async (alert) => {
      times.push(clock.now());
      if (times.length < 5) throw new Error('503');
      got.push(alert);
    });
    hear(sampleStanding(6));
    await pass(clock, 600_000);
    expect(got).toHaveLength(1);
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    expect(gaps.at(-1)!).toBeGreaterThan(4 * gaps[0]!);
    expect(failures).toEqual(['test']);
    expect(courier.pending).toBe(0);
  });

  test('is given up in the end, with a signal', async () => {
    const { clock, failures, replica } = world(60_000);
    const { hear, courier } = replica(() => Promise.reject(new Error('503')));
    hear(sampleStanding(6));
    await pass(clock, 1_200_000);
    expect(courier.pending).toBe(0);
    expect(failures).toEqual(['test', 'give-up:test:daily:0.5']);
  });

  test('gets the highest alert in the end, not all that it missed', async () => {
    const { clock, got, replica } = world();
    let isDown = true;
    const { hear } = replica(async (alert) => {
      if (isDown) throw new Error('down');
      got.push(alert);
    });
    for (const spent of [5, 8, 9]) {
      hear(sampleStanding(spent));
      await pass(clock, 2000);
    }
    isDown = false;
    await pass(clock, 1_800_000);
    expect(got.map(({ threshold }) => threshold)).toEqual([0.9]);
  });

  test('and wants no more is left alone', async () => {
    const { clock, failures, replica } = world();
    let asked = 0;
    const { hear, courier } = replica(async () => {
      asked++;
      return 'gone';
    });
    hear(sampleStanding(6));
    await pass(clock, 600_000);
    expect([asked, courier.pending, failures.length]).toEqual([1, 0, 1]);
  });

  test('holds up no more alerts than the queue may have', async () => {
    const { clock, failures, replica } = world();
    const { hear, courier } = replica(() => Promise.reject(new Error('503')));
    for (let index = 0; index < 1100; index++) {
      hear(
        sampleStanding(6, {
          account: `{budgets}each/agent-${index}@2026-01-01`,
          value: `agent-${index}`,
        }),
      );
      if (index % 100 === 99) await pass(clock, 500);
    }
    expect(courier.pending).toBeLessThanOrEqual(1000);
    expect(failures.filter((each) => each.startsWith('give-up')).length).toBe(100);
    await courier.close();
  });
});
