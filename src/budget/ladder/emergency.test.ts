import { describe, expect, test } from 'vitest';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import type { Standpoint } from '../budget.ts';
import type { Decision } from './decisions.ts';
import {
  EmergencySwitch,
  emergencies,
  parseScope,
  scopeText,
  switchOff,
  switchOn,
} from './emergency.ts';
import { usualLevels } from './levels.ts';

const crawler: Standpoint = {
  tenant: 'acme',
  team: undefined,
  key: undefined,
  agent: 'crawler',
  session: undefined,
  tags: ['nightly'],
};

function fakeFlags() {
  const flags = new Map<string, string>();
  let isDown = false;
  return {
    down: (is: boolean) => void (isDown = is),
    setFlag(name: string, value: string | undefined) {
      if (value === undefined) flags.delete(name);
      else flags.set(name, value);
    },
    flags: () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve(new Map(flags))),
  };
}

function replica(store: ReturnType<typeof fakeFlags>, clock: SimulatedClock) {
  const decisions: Decision[] = [];
  const signals = new Signals();
  const failures: string[] = [];
  signals.on('part-failed', ({ part }) => failures.push(part));
  const journal = { record: (decision: Decision) => void decisions.push(decision) };
  const made = new EmergencySwitch({ store, levels: usualLevels, journal, clock, signals });
  return { made, decisions, failures };
}

async function pass(clock: SimulatedClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

describe('the emergency switch', () => {
  test('is seen by all replicas within two seconds, on and off, and is journalled', async () => {
    const clock = new SimulatedClock();
    const store = fakeFlags();
    const replicas = [replica(store, clock), replica(store, clock)];
    for (const { made } of replicas) await made.poll();
    const pull = { scope: {}, level: 4, since: clock.now(), until: undefined, by: 'ada' };
    await switchOn(store, pull);
    await pass(clock, 2000);
    for (const { made } of replicas) {
      expect(made.pressureOn(crawler)).toMatchObject({ level: 4, budget: 'emergency' });
      expect(made.pressureOn(crawler)!.actions.has('shutdown')).toBe(true);
    }
    expect(await switchOff(store, {})).toBe(true);
    await pass(clock, 2000);
    for (const { made, decisions } of replicas) {
      expect(made.pressureOn(crawler)).toBeUndefined();
      expect(decisions).toMatchObject([
        { kind: 'emergency', on: true, scope: 'everything', by: 'ada', level: 4 },
        { kind: 'emergency', on: false },
      ]);
      await made.close();
    }
  });

  test('reaches only its scope', async () => {
    const clock = new SimulatedClock();
    const store = fakeFlags();
    const { made } = replica(store, clock);
    await switchOn(store, {
      scope: { agent: 'crawler', tag: 'nightly' },
      level: 1,
      since: 0,
      until: undefined,
      by: undefined,
    });
    await made.poll();
    expect(made.pressureOn(crawler)?.level).toBe(1);
    expect(made.pressureOn({ ...crawler, agent: 'support' })).toBeUndefined();
    expect(made.pressureOn({ ...crawler, tags: [] })).toBeUndefined();
  });

  test('goes off by itself where it was given a time', async () => {
    const clock = new SimulatedClock();
    const store = fakeFlags();
    const { made } = replica(store, clock);
    await switchOn(store, {
      scope: {},
      level: 4,
      since: 0,
      until: clock.now() + 10_000,
      by: undefined,
    });
    await made.poll();
    expect(made.pressureOn(crawler)).toBeDefined();
    clock.advance(10_000);
    expect(made.pressureOn(crawler)).toBeUndefined();
    expect(await emergencies(store, clock.now())).toEqual([]);
  });

  test('stays as it was while the store does not answer', async () => {
    const clock = new SimulatedClock();
    const store = fakeFlags();
    const { made, failures } = replica(store, clock);
    await switchOn(store, { scope: {}, level: 4, since: 0, until: undefined, by: undefined });
    await made.poll();
    store.down(true);
    await pass(clock, 2000);
    await pass(clock, 2000);
    expect(made.pressureOn(crawler)?.level).toBe(4);
    expect(failures).toEqual(['emergency']);
  });

  test('what stands in the store and is no switch is passed over', async () => {
    const store = fakeFlags();
    for (const text of ['', '{}', '[]', '{"scope":{},"level":"4"}', 'null'])
      store.setFlag(`emergency/${text}`, text);
    store.setFlag('other', '{"scope":{},"level":4,"since":0}');
    expect(await emergencies(store, 0)).toEqual([]);
  });

  test.each(['everything', 'agent=crawler', 'tenant=acme,agent=a=b,tag=x'])(
    'the scope %j reads as it is written',
    (text) => {
      expect(scopeText(parseScope(text)!)).toBe(text);
    },
  );

  test.each(['', 'agent', 'agent=', 'nobody=x', 'agent=a,agent=b'])('%j is no scope', (text) => {
    expect(parseScope(text)).toBeUndefined();
  });
});
