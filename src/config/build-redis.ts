import { resolve } from 'node:path';
import { postgresCacheConfig } from './build-postgres.ts';
import type { CacheConfig, RedisConfig } from './config.ts';
import type { ConfigValues } from './schema.ts';

type RedisValues = NonNullable<ConfigValues['redis']>;

export function redisConfig(values: RedisValues, directory: string): RedisConfig {
  const { url, sentinel, cluster, tls } = values;
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(directory, path);
  return {
    url,
    sentinel: sentinel && {
      name: sentinel.name,
      nodes: sentinel.nodes,
      username: sentinel.username,
      password: sentinel.password,
    },
    cluster,
    username: values.username,
    password: values.password,
    database: values.database,
    tls: tls && {
      ca: file(tls.ca),
      cert: file(tls.cert),
      key: file(tls.key),
      serverName: tls.server_name,
    },
    prefix: values.prefix,
    connectMs: values.connect,
  };
}

type SharedCacheConfig = Pick<CacheConfig, 'redis' | 'postgres' | 'order' | 'secret' | 'flights'>;

export function sharedCacheConfig(values: ConfigValues['cache']): SharedCacheConfig {
  const { redis, postgres, flights, order } = values;
  const rest = (['memory', 'disk', 'redis', 'postgres'] as const).filter(
    (level) => !order.includes(level),
  );
  return {
    redis: {
      enabled: redis.enabled,
      maxAnswerBytes: redis.max_answer_bytes,
      lookupMs: redis.lookup,
      storeMs: redis.store,
    },
    postgres: postgresCacheConfig(postgres),
    order: [...order, ...rest],
    secret: values.secret,
    flights: { enabled: flights.enabled, waitMs: flights.wait, leaseMs: flights.lease },
  };
}
