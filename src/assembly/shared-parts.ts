import { readFileSync } from 'node:fs';
import { adoptSecret } from '../cache/installation-secret.ts';
import { SharedFlights } from '../cache/shared-flights.ts';
import { SharedSecret, type SecretInUse } from '../cache/shared-secret.ts';
import type { CacheTier } from '../cache/tier.ts';
import { createRedisTier, type RedisTierOptions } from '../cache/tiers/redis.ts';
import type { Config, RedisConfig } from '../config/config.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import type { Sharing } from '../pipeline/share.ts';
import { connectRedis } from '../services/redis-client.ts';
import type { RedisLink, RedisTls } from '../services/redis.ts';

/** What gateways on one Redis have in common. */
export interface SharedParts {
  readonly link: RedisLink;
  /** What all keys and channels of this house begin with. */
  readonly prefix: string;
  readonly secret: SecretInUse;
  /** Undefined where the cache does not use Redis. */
  readonly tier: CacheTier | undefined;
  /** Undefined where gateways do not share flights. */
  readonly sharing: Sharing | undefined;
  /** Resolves when the gateways have agreed on what they must share, or when that has taken too long; never rejects. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface SharedPartsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  /** This installation's own secret. */
  readonly ownSecret: string;
  /** Whether what is agreed on is kept in the data directory. */
  readonly keeps: boolean;
}

const part = 'redis';

/**
 * Begins to connect to the Redis of the configuration; undefined where it has none.
 * @throws EconomizerError `ECO_CONFIG` where the client package is not installed.
 */
export function openSharedParts(options: SharedPartsOptions): SharedParts | undefined {
  const { config, clock, signals, ownSecret, keeps } = options;
  const { redis, cache } = config;
  if (redis === undefined) return undefined;
  let isReady = (): void => {};
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  clock.after(redis.connectMs, isReady);
  const tell = (operation: string, error: unknown): void =>
    signals.emit('part-failed', { part, operation, error });
  const link = connectRedis({
    ...redis,
    tls: redis.tls && tlsOf(redis.tls),
    onState({ connected, error }) {
      if (!connected) return tell('connect', error);
      signals.emit('part-healed', { part });
      if (agreed === undefined) isReady();
      else void agreed.agree().then(isReady);
    },
  });
  const agreed =
    cache.secret === undefined
      ? new SharedSecret({
          own: ownSecret,
          link,
          prefix: redis.prefix,
          clock,
          onAdopted: (secret) => keeps && adoptSecret(config.dataDirectory, secret),
          onFailure: (error) => tell('share the secret', error),
        })
      : undefined;
  const secret = agreed ?? { current: cache.secret! };
  const usesTier = cache.enabled && cache.redis.enabled;
  const parts = { link, prefix: redis.prefix, clock, signals };
  const { enabled: sharesFlights, waitMs, leaseMs } = cache.flights;
  const flights = usesTier && sharesFlights ? new SharedFlights({ ...parts, leaseMs }) : undefined;
  const tier = usesTier ? tierOf(cache, { ...parts, secret, flights }) : undefined;
  return {
    link,
    prefix: redis.prefix,
    secret,
    ready,
    tier,
    sharing: flights && {
      flights,
      waitMs,
      tier: tier!.name,
      patienceMs: cache.redis.lookupMs,
    },
    async close() {
      await flights?.close();
      agreed?.close();
      isReady();
      await link.close();
    },
  };
}

function tierOf(
  { redis }: Config['cache'],
  parts: Omit<RedisTierOptions, 'maxEntryBytes' | 'lookupMs' | 'storeMs'>,
): CacheTier {
  const { maxAnswerBytes, lookupMs, storeMs } = redis;
  return createRedisTier({ ...parts, maxEntryBytes: maxAnswerBytes, lookupMs, storeMs });
}

function tlsOf({ ca, cert, key, serverName }: NonNullable<RedisConfig['tls']>): RedisTls {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return { ca: read(ca), cert: read(cert), key: read(key), serverName };
}
