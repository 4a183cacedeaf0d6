import { resolve } from 'node:path';
import type { PostgresCacheConfig, PostgresConfig } from './postgres-config.ts';
import type { ConfigValues } from './schema.ts';

type PostgresValues = NonNullable<ConfigValues['postgres']>;

const usualPort = 5432;

export function postgresConfig(values: PostgresValues, directory: string): PostgresConfig {
  const { url, tls, schema, connections, connect } = values;
  const { hostname, port, username, password, pathname, search } = new URL(url);
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(directory, path);
  const user = values.username ?? decodeURIComponent(username);
  const isEncrypted = tls !== undefined || /sslmode=(?:require|verify)/.test(search);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? usualPort : Number(port),
    user,
    password: values.password ?? (password === '' ? undefined : decodeURIComponent(password)),
    // As PostgreSQL's own clients have it.
    database: decodeURIComponent(pathname.slice(1)) || user,
    tls: isEncrypted
      ? {
          ca: file(tls?.ca),
          cert: file(tls?.cert),
          key: file(tls?.key),
          serverName: tls?.server_name,
        }
      : undefined,
    schema,
    connections,
    connectMs: connect,
  };
}

export function postgresCacheConfig(
  values: ConfigValues['cache']['postgres'],
): PostgresCacheConfig {
  return {
    enabled: values.enabled,
    maxBytes: values.max_bytes,
    maxAnswerBytes: values.max_answer_bytes,
    lookupMs: values.lookup,
    storeMs: values.store,
  };
}
