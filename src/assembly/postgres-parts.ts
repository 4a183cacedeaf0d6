import { readFileSync } from 'node:fs';
import { preparePurges, purgeTablesIn } from '../cache/invalidation/postgres-purge-tables.ts';
import { createPostgresPurges } from '../cache/invalidation/postgres-purges.ts';
import type { SharedPurgeStore } from '../cache/invalidation/purge-store.ts';
import type { SecretInUse } from '../cache/shared-secret.ts';
import type { CacheTier } from '../cache/tier.ts';
import { prepareTables, tablesIn } from '../cache/tiers/postgres-tables.ts';
import { createPostgresTier } from '../cache/tiers/postgres.ts';
import type { Config } from '../config/config.ts';
import type { PostgresConfig } from '../config/postgres-config.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import { listenToPostgres } from '../services/postgres-ear.ts';
import { connectPostgres } from '../services/postgres-pool.ts';

/** What a house has in PostgreSQL. */
export interface PostgresParts {
  readonly tier: CacheTier;
  /** Resolves when it can be asked, or cannot for now; never rejects. */
  readonly ready: Promise<unknown>;
  close(): Promise<void>;
}

const part = 'postgres';

/**
 * Begins to connect to the PostgreSQL of the configuration; undefined where the cache uses none.
 * @throws EconomizerError `ECO_CONFIG` where the client package is not installed.
 */
export function openPostgresParts(options: {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly secret: SecretInUse;
}): PostgresParts | undefined {
  const { config, clock, signals, secret } = options;
  const { postgres } = config;
  const { enabled, maxBytes, maxAnswerBytes, lookupMs, storeMs } = config.cache.postgres;
  if (postgres === undefined || !config.cache.enabled || !enabled) return undefined;
  const tables = tablesIn(postgres.schema);
  const settings = {
    ...postgres,
    tls: postgres.tls && certificatesOf(postgres.tls),
    prepare: (query: Parameters<typeof prepareTables>[0]) => prepareTables(query, tables),
  };
  const reads = connectPostgres(
    {
      ...settings,
      maxConnections: postgres.connections,
      deadlineMs: lookupMs,
      onState({ connected, error }) {
        if (connected) signals.emit('part-healed', { part });
        else signals.emit('part-failed', { part, operation: 'connect', error });
      },
    },
    clock,
  );
  // Apart, so that no lookup ever waits behind a batch; that it is down is told by what it fails to write.
  const writes = connectPostgres({ ...settings, maxConnections: 1, deadlineMs: storeMs }, clock);
  const tier = createPostgresTier({
    reads,
    writes,
    schema: postgres.schema,
    secret,
    maxEntryBytes: maxAnswerBytes,
    maxBytes,
    patience: { lookupMs, storeMs },
    clock,
    signals,
  });
  return {
    tier,
    ready: Promise.all([reads.tried, writes.tried]),
    async close() {
      await Promise.all([reads.close(), writes.close()]);
    },
  };
}

/** For one statement about purges, in milliseconds; nobody waits for it while serving a call. */
const purgeDeadlineMs = 2000;

/** Where gateways that share no Redis tell each other what they purged; undefined where they share no PostgreSQL either. */
export function postgresPurges({
  config: { cache, postgres },
  clock,
  signals,
}: {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
}): SharedPurgeStore | undefined {
  if (postgres === undefined || !cache.enabled || !cache.postgres.enabled) return undefined;
  const tables = purgeTablesIn(postgres.schema);
  const settings = {
    ...postgres,
    tls: postgres.tls && certificatesOf(postgres.tls),
    deadlineMs: purgeDeadlineMs,
    prepare: (query: Parameters<typeof preparePurges>[0]) => preparePurges(query, tables),
  };
  const onFailure = (error: unknown): void =>
    signals.emit('part-failed', { part: 'cache.purges', operation: 'listen', error });
  const { channel } = tables;
  return createPostgresPurges({
    link: connectPostgres({ ...settings, maxConnections: 1 }, clock),
    listen: (hears) => listenToPostgres({ ...settings, channel, onFailure, ...hears }, clock),
    tables,
    onFailure,
  });
}

function certificatesOf({ ca, cert, key, serverName }: NonNullable<PostgresConfig['tls']>) {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return { ca: read(ca), cert: read(cert), key: read(key), serverName };
}
