import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/e2e/harness.ts';
import { systemClock } from '../../kernel/clock.ts';
import { createSqliteBudgetStore } from './sqlite.ts';

it('keeps the log of the budget file short while calls go on', { timeout: 60_000 }, async () => {
  const path = join(temporaryFolder(), 'budgets.sqlite');
  const store = createSqliteBudgetStore({ path, clock: systemClock, owner: 'test' });
  const lines = [{ account: 'a', limit: 1e12, hard: true, endsAt: undefined }];
  let calls = 0;
  const work = async (count: number) => {
    for (const end = calls + count; calls < end; calls++) {
      await store.hold({ id: `${calls}`, amount: 1, lines });
      await store.settle(`${calls}`, 1);
    }
  };
  await work(1500);
  const before = statSync(`${path}-wal`).size;
  expect(before).toBeGreaterThan(1024 * 1024);
  // Copied, the log is begun anew by the next commit, and does not grow.
  let inFile = 0;
  for (let tries = 0; inFile < 20_000 && tries < 1000; tries++) {
    await store.heartbeat();
    await delay(10);
    inFile = statSync(path).size;
  }
  expect(inFile).toBeGreaterThan(20_000);
  await work(50);
  expect(statSync(`${path}-wal`).size).toBe(before);
  await store.close();
  const again = createSqliteBudgetStore({ path, clock: systemClock, owner: 'next' });
  expect(await again.read(['a'])).toEqual([{ account: 'a', spent: 1550, held: 0 }]);
  await again.close();
});
