import type { RedisLinkOptions, RedisNode } from './redis.ts';
import { redisPackage } from './redis-package.ts';

const usualPort = 6379;

/** Where the one server is. The URL goes no further than here: the client package would quote it, password and all, in its errors. */
export function placeOf(options: RedisLinkOptions): RedisNode {
  const { hostname, port } = new URL(options.url ?? `redis://127.0.0.1:${usualPort}`);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
    port: port === '' ? usualPort : Number(port),
  };
}

export function nodesOf({ cluster, sentinel }: RedisLinkOptions): readonly RedisNode[] {
  return cluster?.nodes ?? sentinel?.nodes ?? [];
}

interface Credentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number | undefined;
  readonly encrypted: boolean;
}

function credentialsOf({ url, username, password, database, tls }: RedisLinkOptions): Credentials {
  const given = { username, password, database, encrypted: tls !== undefined };
  if (url === undefined) return given;
  const parsed = new URL(url);
  const number = Number(parsed.pathname.slice(1));
  return {
    username: username ?? decoded(parsed.username),
    password: password ?? decoded(parsed.password),
    database: database ?? (Number.isInteger(number) ? number : undefined),
    encrypted: given.encrypted || parsed.protocol === 'rediss:',
  };
}

function decoded(text: string): string | undefined {
  return text === '' ? undefined : decodeURIComponent(text);
}

/** The client package's settings for one server. It neither reconnects nor keeps time: `RedisConnection` does. */
export function clientSettings(options: RedisLinkOptions, node: RedisNode) {
  const { username, password, database, encrypted } = credentialsOf(options);
  const { ca, cert, key, serverName } = options.tls ?? {};
  return {
    RESP: 3 as const,
    name: 'economizer',
    disableClientInfo: true, // servers before 7.2 do not know it, and users may not be allowed it
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    disableOfflineQueue: true,
    maintNotifications: 'disabled' as const,
    commandOptions: {
      timeout: 0, // else a timer for every command
      typeMapping: { [redisPackage().RESP_TYPES.BLOB_STRING]: Buffer },
    },
    socket: {
      host: node.host,
      port: node.port,
      connectTimeout: options.connectMs ?? 2000,
      reconnectStrategy: false as const,
      ...(encrypted
        ? {
            tls: true as const,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
            ...(serverName === undefined ? {} : { servername: serverName }),
          }
        : {}),
    },
  };
}

/**
 * The client package's settings for a cluster, whose nodes it mends by itself. A node that does not answer a ping is left, so that what
 * waits for it is given up.
 */
export function clusterSettings(options: RedisLinkOptions) {
  const nodes = nodesOf(options);
  const { socket, commandOptions, ...rest } = clientSettings(options, nodes[0]!);
  const { host: _host, port: _port, ...shared } = socket;
  return {
    rootNodes: nodes.map(({ host, port }) => ({ socket: { host, port } })),
    defaults: {
      ...rest,
      pingInterval: 1000,
      socket: { ...shared, socketTimeout: 3000, reconnectStrategy },
    },
    commandOptions,
  };
}

function reconnectStrategy(tries: number): number {
  return Math.min(2000, 50 * 2 ** tries) * (0.5 + Math.random() / 2);
}
