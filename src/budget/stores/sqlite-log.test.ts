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
  const size = () => statSync(`${path}-wal`).size;
  expect(size()).toBeGreaterThan(1024 * 1024);
  // Copied, the log is begun anew by the next commit, and does not grow: hundreds of calls leave it as long as it is.
  let grown = Infinity;
  for (let tries = 0; grown > 0 && tries < 100; tries++) {
    await store.heartbeat();
    await delay(20);
    const before = size();
    await work(200);
    grown = size() - before;
  }
  expect(grown).toBe(0);
  await store.close();
  const again = createSqliteBudgetStore({ path, clock: systemClock, owner: 'next' });
  expect(await again.read(['a'])).toEqual([{ account: 'a', spent: calls, held: 0 }]);
  await again.close();
});
