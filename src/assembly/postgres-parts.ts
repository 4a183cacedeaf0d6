import { readFileSync } from 'node:fs';
import type { SecretInUse } from '../cache/shared-secret.ts';
import type { CacheTier } from '../cache/tier.ts';
import { prepareTables, tablesIn } from '../cache/tiers/postgres-tables.ts';
import { createPostgresTier } from '../cache/tiers/postgres.ts';
import type { Config } from '../config/config.ts';
import type { PostgresConfig } from '../config/postgres-config.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import { connectPostgres } from '../services/postgres-pool.ts';

/** What a house has in PostgreSQL. */
export interface PostgresParts {
  readonly tier: CacheTier;
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
    async close() {
      await Promise.all([reads.close(), writes.close()]);
    },
  };
}

function certificatesOf({ ca, cert, key, serverName }: NonNullable<PostgresConfig['tls']>) {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return { ca: read(ca), cert: read(cert), key: read(key), serverName };
}
