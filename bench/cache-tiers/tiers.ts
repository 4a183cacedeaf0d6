import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CacheTier } from '../../src/cache/tier.ts';
import { createMemoryTier } from '../../src/cache/tiers/memory.ts';
import { prepareTables, tablesIn } from '../../src/cache/tiers/postgres-tables.ts';
import { createPostgresTier } from '../../src/cache/tiers/postgres.ts';
import { createRedisTier } from '../../src/cache/tiers/redis.ts';
import { createSqliteTier } from '../../src/cache/tiers/sqlite.ts';
import { systemClock as clock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { connectPostgres } from '../../src/services/postgres-pool.ts';
import type { PostgresLink } from '../../src/services/postgres.ts';
import { connectRedis } from '../../src/services/redis-client.ts';
import { startPostgres } from '../../test/services/postgres-server.ts';
import { startRedis } from '../../test/services/redis-server.ts';

/** A tier that is ready to be measured. */
export interface MeasuredTier {
  readonly name: string;
  readonly tier: CacheTier;
  stop(): Promise<void>;
}

const signals = new Signals();
signals.on('part-failed', ({ part, operation, error }) => {
  console.error(`${part} failed to ${operation}:`, error);
  process.exitCode = 1;
});
const maxBytes = 1024 ** 3;

/** Every tier that this machine can run, the cheapest first. */
export const makers: readonly (() => Promise<MeasuredTier>)[] = [memory, sqlite, redis, postgres];

function memory(): Promise<MeasuredTier> {
  const tier = createMemoryTier({ maxEntries: 100_000, maxBytes, clock });
  return Promise.resolve({ name: 'l1 memory', tier, stop: () => tier.close() });
}

function sqlite(): Promise<MeasuredTier> {
  const directory = mkdtempSync(join(tmpdir(), 'economizer-bench-'));
  const tier = createSqliteTier({ path: join(directory, 'cache.db'), maxBytes, clock, signals });
  return Promise.resolve({
    name: 'l3 SQLite',
    tier,
    async stop() {
      await tier.close();
      rmSync(directory, { recursive: true, force: true });
    },
  });
}

async function redis(): Promise<MeasuredTier> {
  const server = await startRedis();
  let up = (): void => {};
  const stands = new Promise<void>((resolve) => (up = resolve));
  const link = connectRedis({
    url: server.url,
    onState: ({ connected }) => connected && up(),
  });
  await stands;
  const tier = createRedisTier({
    link,
    prefix: 'economizer:',
    secret: { current: 'a secret for the benchmark' },
    maxEntryBytes: 4 * 1024 * 1024,
    lookupMs: 1000,
    storeMs: 10_000,
    clock,
    signals,
  });
  return {
    name: 'l2 Redis',
    tier,
    async stop() {
      await tier.close();
      await link.close();
      await server.stop();
    },
  };
}

async function postgres(): Promise<MeasuredTier> {
  const server = await startPostgres();
  const schema = 'economizer';
  const tables = tablesIn(schema);
  const connect = (maxConnections: number): Promise<PostgresLink> =>
    new Promise((resolve) => {
      const link: PostgresLink = connectPostgres({
        host: '127.0.0.1',
        port: server.port,
        user: 'house',
        database: 'postgres',
        connectMs: 10_000,
        deadlineMs: 10_000,
        maxConnections,
        prepare: (query) => prepareTables(query, tables),
        onState: ({ connected }) => connected && resolve(link),
      });
    });
  const [reads, writes] = [await connect(8), await connect(1)];
  const tier = createPostgresTier({
    reads,
    writes,
    schema,
    secret: { current: 'a secret for the benchmark' },
    maxEntryBytes: 4 * 1024 * 1024,
    maxBytes,
    clock,
    signals,
  });
  return {
    name: 'l3 PostgreSQL',
    tier,
    async stop() {
      await tier.close();
      await reads.close();
      await writes.close();
      await server.stop();
    },
  };
}
