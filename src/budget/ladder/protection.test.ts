import { describe, expect, test } from 'vitest';
import type { Pressure, PressureAction } from '../../exchange/call.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import type { Standpoint } from '../budget.ts';
import { kinOf, type Kinship } from './kinship.ts';
import { actionsAt, usualLevels } from './levels.ts';
import { Protection, type ProtectionOptions } from './protection.ts';

const nobody: Kinship = { teams: [], keys: [], agents: [], tags: [] };
const clock = new SimulatedClock();

function caller(given: Partial<Standpoint> = {}): Standpoint {
  return {
    tenant: 'acme',
    team: undefined,
    key: undefined,
    agent: 'crawler',
    session: undefined,
    tags: [],
    ...given,
  };
}

function pressed(level: number, actions?: readonly PressureAction[]): Pressure {
  return {
    level,
    actions: new Set(actions ?? actionsAt(level, usualLevels, true)),
    budget: 'daily',
    until: clock.now() + 3_600_000,
  };
}

function judge(guard: Protection, standpoint: Standpoint) {
  const pressure = guard.pressureOn(standpoint);
  return pressure && { pressure, leave: guard.admit(pressure, standpoint) };
}

function protection(pressure: Pressure | undefined, given: Partial<ProtectionOptions> = {}) {
  return new Protection({
    pressers: [{ pressureOn: () => pressure }],
    essential: kinOf({ ...nobody, agents: ['support', 'ops-*'], tags: ['vip'] }),
    deferrable: undefined,
    cheaperForEssential: false,
    concurrentCalls: 1,
    clock,
    ...given,
  });
}

function refusal(act: () => unknown): EconomizerError {
  try {
    act();
  } catch (error) {
    return EconomizerError.from(error);
  }
  throw new Error('nothing was refused');
}

describe('protection', () => {
  test('nothing presses: no judgement at all', () => {
    expect(judge(protection(undefined), caller())).toBeUndefined();
  });

  test('level 1 saves and refuses nobody', () => {
    const { pressure } = judge(protection(pressed(1)), caller())!;
    expect([...pressure.actions]).toEqual(['cache-more', 'cheaper-models']);
  });

  test('level 2 puts off what is not essential, with the time to try again', () => {
    const error = refusal(() => judge(protection(pressed(2)), caller()));
    expect(error).toMatchObject({ code: 'ECO_DEFERRED', kind: 'quota', retryAfterMs: 3_600_000 });
    expect(error.message).toContain('the agent "crawler"');
    expect(error.details).toMatchObject({ budget: 'daily', level: 2 });
  });

  test('where it is said which calls can wait, only those are put off', () => {
    const deferrable = kinOf({ ...nobody, tags: ['nightly'] });
    const guard = protection(pressed(2), { deferrable });
    expect(judge(guard, caller())).toBeDefined();
    expect(refusal(() => judge(guard, caller({ tags: ['nightly'] }))).code).toBe('ECO_DEFERRED');
  });

  test('level 3 scales each agent down to its calls at a time, and lets the next in when one is over', () => {
    const guard = protection(pressed(3), { deferrable: kinOf(nobody) });
    const first = judge(guard, caller())!;
    expect(refusal(() => judge(guard, caller()))).toMatchObject({
      code: 'ECO_SCALED_DOWN',
      retryAfterMs: 5000,
    });
    expect(judge(guard, caller({ agent: 'other' }))).toBeDefined();
    expect(judge(guard, caller({ tenant: 'other' }))).toBeDefined();
    first.leave!();
    first.leave!();
    expect(judge(guard, caller())).toBeDefined();
    expect(refusal(() => judge(guard, caller())).code).toBe('ECO_SCALED_DOWN');
  });

  test('level 4 shuts out all but the essential', () => {
    const guard = protection(pressed(4));
    expect(refusal(() => judge(guard, caller())).code).toBe('ECO_SCALED_DOWN');
    for (const essential of [
      caller({ agent: 'support' }),
      caller({ agent: 'ops-7' }),
      caller({ agent: undefined, tags: ['vip'] }),
    ]) {
      expect(judge(guard, essential)).toBeDefined();
    }
    expect(refusal(() => judge(guard, caller({ agent: 'supporter' }))).code).toBe(
      'ECO_SCALED_DOWN',
    );
  });

  test('essential calls keep their model unless it is said otherwise', () => {
    const essential = caller({ agent: 'support' });
    expect([...judge(protection(pressed(4)), essential)!.pressure.actions]).toEqual(['cache-more']);
    const cheap = protection(pressed(4), { cheaperForEssential: true });
    expect([...judge(cheap, essential)!.pressure.actions]).toEqual([
      'cache-more',
      'cheaper-models',
    ]);
  });

  test('a judgement of a call takes about a microsecond', () => {
    const guard = protection(pressed(1));
    const who = caller();
    for (let turn = 0; turn < 20_000; turn++) judge(guard, who);
    const began = performance.now();
    for (let turn = 0; turn < 100_000; turn++) judge(guard, who);
    // Ten times what it takes, since tests run on busy machines.
    expect((performance.now() - began) / 100).toBeLessThan(10);
  });
});
