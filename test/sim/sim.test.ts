import { describe, expect, it } from 'vitest';
import { hasRedis, startRedis } from '../services/redis-server.ts';
import { wholePlan } from './arrivals.ts';
import { simulate, ways } from './in-process.ts';
import { simulateProcesses } from './processes.ts';
import type { SimResult } from './result.ts';

/** All seeds, and the ways of others beside ours: `node test/sim/run.ts`. */
describe('budgets under random traffic', { timeout: 120_000 }, () => {
  const ours = ways['hold, then settle (ours)']!;
  /** Enough to use the budget up. */
  const short = { calls: 8000, crashes: 3 };

  it.each([1, 2, 3, 4])('four replicas, 20,000 calls, seed %i', (seed) => {
    isSound(simulate(ours(), seed, wholePlan));
  });

  it('uses all of the budget for calls where nobody dies', () => {
    const result = simulate(ours(), 5, { ...wholePlan, crashes: 0 });
    isSound(result);
    expect(result.billed).toBeGreaterThan(0.99);
    expect(result.billed).toBe(result.counted);
  });

  it('catches the ways of others', () => {
    for (const way of ['check, then add', 'shrink the hold']) {
      expect(simulate(ways[way]!(), 1, wholePlan).overshoot).toBeGreaterThan(0);
    }
  });

  it('four processes on one SQLite file', async () => {
    isSound(await simulateProcesses(6, short));
  });

  it.skipIf(!hasRedis)('four processes on one Redis', async () => {
    const redis = await startRedis();
    try {
      isSound(await simulateProcesses(7, short, redis.url));
    } finally {
      await redis.stop();
    }
  });
});

function isSound({ overshoot, passed, counted, leaked, isExact }: SimResult): void {
  expect({ overshoot, passed, leaked, isExact }).toEqual({
    overshoot: 0,
    passed: 0,
    leaked: 0,
    isExact: true,
  });
  expect(counted).toBeGreaterThan(0.99);
}
