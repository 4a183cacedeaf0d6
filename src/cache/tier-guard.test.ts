import { expect, it } from 'vitest';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { defaultGuardLimits } from './stack.ts';
import { TierGuard } from './tier-guard.ts';
import type { CacheTier } from './tier.ts';

it('waits for a tier as long as that tier itself may take', async () => {
  const clock = new SimulatedClock();
  const tier = {
    name: 'l2',
    patience: { lookupMs: 100, storeMs: 100 },
    get: () => new Promise(() => {}),
  } as Partial<CacheTier> as CacheTier;
  const limits = defaultGuardLimits;
  const guard = new TierGuard({ tier, clock, signals: new Signals(), limits });
  const asked = guard.get('k');
  clock.advance(99);
  await Promise.resolve();
  expect(guard.counts.failures).toBe(0);
  clock.advance(1);
  expect(await asked).toBeUndefined();
  expect([guard.counts.failures, guard.isWell]).toEqual([1, false]);
});
