import type { RedisClientType, RedisClusterType } from '@redis/client';
import { hash } from 'node:crypto';
import { systemClock, type Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import { ClusterTarget } from './redis-cluster.ts';
import { RedisConnection, type ConnectionOptions, type RedisTarget } from './redis-connection.ts';
import { redisPackage } from './redis-package.ts';
import { checkIsMaster, sentinelFinder } from './redis-sentinel.ts';
import { clientSettings, clusterSettings, nodesOf, placeOf } from './redis-settings.ts';
import { Subscriptions } from './redis-subscriptions.ts';
import {
  type RedisArgument,
  type RedisLink,
  type RedisLinkOptions,
  type RedisNode,
  type RedisReply,
  type RedisScript,
} from './redis.ts';

const chance: Random = { next: Math.random };

/**
 * Begins to connect and returns at once; until the connection stands, commands are refused.
 * @throws EconomizerError `ECO_CONFIG` where the client package is not installed.
 */
export function connectRedis(options: RedisLinkOptions, clock: Clock = systemClock): RedisLink {
  redisPackage();
  return new Link(options, clock);
}

class Link implements RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #clock: Clock;
  readonly #target: RedisTarget;
  #subscriptions: Subscriptions | undefined;
  #isUp: boolean | undefined;

  constructor(options: RedisLinkOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#target = options.cluster === undefined ? this.#single() : this.#cluster();
  }

  get connected(): boolean {
    return this.#target.isReady;
  }

  get waitedMs(): number {
    return this.#target.waitedMs;
  }

  send(args: readonly RedisArgument[], deadlineMs: number): Promise<RedisReply> {
    return this.#target.ask(args, deadlineMs);
  }

  script(
    script: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
    deadlineMs: number,
  ): Promise<RedisReply> {
    const tail = [String(keys.length), ...keys, ...args];
    return this.#target
      .ask(['EVALSHA', nameOf(script), ...tail], deadlineMs)
      .catch((error: unknown) => {
        if (!(error instanceof Error) || !error.message.includes('NOSCRIPT')) throw error;
        return this.#target.ask(['EVAL', script.source, ...tail], deadlineMs);
      });
  }

  subscribe(
    channel: string,
    onMessage: (message: Buffer) => void,
    onGap: () => void,
  ): Promise<() => Promise<void>> {
    this.#subscriptions ??= new Subscriptions((onUp, onDown) =>
      this.#connection(onUp, onDown, this.#options.cluster && rotating(nodesOf(this.#options))),
    );
    return this.#subscriptions.add({ channel, onMessage, onGap });
  }

  async close(): Promise<void> {
    await Promise.all([this.#target.close(), this.#subscriptions?.close()]);
  }

  #single(): RedisTarget {
    const mustCheck = this.#options.sentinel !== undefined;
    return this.#connection(
      async (client) => {
        if (mustCheck) await checkIsMaster(client);
        this.#told(true);
      },
      (error) => this.#told(false, error),
    );
  }

  /** @param find where the server is; undefined: as the options say. */
  #connection(
    onUp: ConnectionOptions['onUp'],
    onDown: ConnectionOptions['onDown'],
    find: () => Promise<RedisNode> | RedisNode = this.#finder(),
  ): RedisConnection {
    const options = this.#options;
    const open = (node: RedisNode): RedisClientType =>
      redisPackage().createClient(clientSettings(options, node)) as unknown as RedisClientType;
    return new RedisConnection({
      open: async () => open(await find()),
      connectMs: options.connectMs ?? 2000,
      clock: this.#clock,
      random: chance,
      onUp,
      onDown,
    });
  }

  #finder(): () => Promise<RedisNode> | RedisNode {
    const options = this.#options;
    const { sentinel } = options;
    if (sentinel === undefined) {
      const place = placeOf(options);
      return () => place;
    }
    const { username, password } = sentinel;
    const own = { ...options, url: undefined, username, password, database: undefined };
    return sentinelFinder({
      ...sentinel,
      open: (node) =>
        redisPackage().createClient(clientSettings(own, node)) as unknown as RedisClientType,
    });
  }

  #cluster(): RedisTarget {
    const options = this.#options;
    return new ClusterTarget({
      open: () => redisPackage().createCluster(clusterSettings(options)) as RedisClusterType,
      clock: this.#clock,
      random: chance,
      onUp: () => this.#told(true),
      onDown: (error) => this.#told(false, error),
    });
  }

  /** Tells of changes only. */
  #told(connected: boolean, error?: Error): void {
    if (this.#isUp === connected) return;
    this.#isUp = connected;
    this.#options.onState?.({ connected, ...(error === undefined ? {} : { error }) });
  }
}

/** One node after the other: any of them hears what is published at any. */
function rotating(nodes: readonly RedisNode[]): () => RedisNode {
  let next = 0;
  return () => nodes[next++ % nodes.length]!;
}

const names = new WeakMap<RedisScript, string>();

function nameOf(script: RedisScript): string {
  let name = names.get(script);
  if (name === undefined) names.set(script, (name = hash('sha1', script.source)));
  return name;
}
