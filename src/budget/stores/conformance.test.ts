import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { hasRedis, startRedis, type RedisServer } from '../../../test/services/redis-server.ts';
import { systemClock } from '../../kernel/clock.ts';
import { Signals } from '../../kernel/signals.ts';
import { connectRedis } from '../../services/redis-client.ts';
import type { RedisLink } from '../../services/redis.ts';
import { budgetStoreConformance } from '../conformance.ts';
import { createMemoryBudgetStore, MemoryBacking } from './memory.ts';
import { createRedisBudgetStore } from './redis.ts';
import { createSqliteBudgetStore } from './sqlite.ts';

describe('every store of budgets', () => {
  const memory = budgetStoreConformance({
    name: 'memory',
    create({ clock, leaseMs }) {
      const backing = new MemoryBacking();
      return { open: (owner) => createMemoryBudgetStore({ clock, leaseMs, owner, backing }) };
    },
  });
  const sqlite = budgetStoreConformance({
    name: 'sqlite',
    create({ clock, leaseMs }) {
      const directory = mkdtempSync(join(tmpdir(), 'economizer-budget-'));
      const path = join(directory, 'budgets.sqlite');
      return {
        open: (owner) => createSqliteBudgetStore({ path, clock, leaseMs, owner }),
        dispose: () => rmSync(directory, { recursive: true, force: true }),
      };
    },
  });
  for (const { name, run } of [...memory, ...sqlite]) test(name, run);
});

describe.skipIf(!hasRedis)('the store in Redis', () => {
  let server: RedisServer;
  let link: RedisLink;
  let trials = 0;
  beforeAll(async () => {
    // A cluster of one: it refuses scripts over keys of several slots.
    server = await startRedis(['--cluster-enabled', 'yes']);
    link = connectRedis({ url: server.url });
    while (!link.connected) await delay(5);
    await link.send(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383'], 1000);
    while (!String(await link.send(['CLUSTER', 'INFO'], 1000)).includes('cluster_state:ok')) {
      await delay(20);
    }
  });
  afterAll(async () => {
    await link.close();
    await server.stop();
  });
  const redis = budgetStoreConformance({
    name: 'redis',
    // Long enough for a busy machine; the cases wait side by side.
    leaseMs: 600,
    create({ leaseMs }) {
      const prefix = `trial ${++trials}`;
      return {
        // The server's clock is nobody's to move.
        pass: delay,
        async open(owner) {
          const store = createRedisBudgetStore({
            clock: systemClock,
            signals: new Signals(),
            link,
            prefix,
            deadlineMs: 5000,
            owner,
            leaseMs,
            settleMs: 1,
            ledger: 'one',
          });
          await store.whenOpen(5000);
          return store;
        },
      };
    },
  });
  for (const { name, run } of redis) test.concurrent(name, run);
});
