import type { RedisClusterType } from '@redis/client';
import type { Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import { slotOf } from './cluster-slot.ts';
import { sizeOf, stallMs, tooMany, type RedisTarget } from './redis-connection.ts';
import { redisFault, type RedisArgument, type RedisReply } from './redis.ts';
import { Unanswered } from './unanswered.ts';

export interface ClusterOptions {
  /** A client of the cluster that is not connected yet. */
  readonly open: () => RedisClusterType;
  readonly clock: Clock;
  readonly random: Random;
  readonly onUp: () => void;
  readonly onDown: (error: Error) => void;
}

const limits = { commands: 10_000, bytes: 64 * 1024 * 1024 };
const firstPauseMs = 100;
const longestPauseMs = 2000;

/** Commands that name no key; any node takes them, or all do. */
const keyless = new Set([
  'PING',
  'PUBLISH',
  'SCAN',
  'DBSIZE',
  'INFO',
  'TIME',
  'FLUSHDB',
  'FLUSHALL',
]);

/**
 * A Redis Cluster. The client package follows its slots and mends the connections to its nodes; a node that is down or silent costs the
 * keys it has and no others.
 */
export class ClusterTarget implements RedisTarget {
  readonly #options: ClusterOptions;
  readonly #unanswered: Unanswered;
  /** What each node owes; a node that has left the cluster is forgotten with its own object. */
  readonly #owed = new WeakMap<object, Unanswered>();
  #cluster: RedisClusterType | undefined;
  #isClosed = false;
  #lastError: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #starting: Promise<void>;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#unanswered = new Unanswered(options.clock, limits);
    this.#starting = this.#start();
  }

  get isReady(): boolean {
    return this.#cluster?.isReady ?? false;
  }

  get waitedMs(): number {
    return this.#unanswered.waitedMs;
  }

  ask(args: readonly RedisArgument[], deadlineMs: number): Promise<RedisReply> {
    if (!this.isReady) {
      return Promise.reject(
        redisFault('The Redis cluster cannot be reached just now.', this.#lastError),
      );
    }
    const bytes = sizeOf(args);
    if (this.#unanswered.isFull(bytes)) return Promise.reject(tooMany());
    const key = keyOf(args);
    const owed = key === undefined ? undefined : this.#owedBy(key);
    // As with one server: behind a reply that is late already this one would only wait.
    if (owed !== undefined && owed.oldestMs >= Math.min(deadlineMs, stallMs)) {
      return Promise.reject(
        redisFault('A node of the Redis cluster takes commands but does not answer them just now.'),
      );
    }
    const reply = this.#cluster!.sendCommand(key, undefined, args as RedisArgument[]);
    void owed?.within(reply, bytes, deadlineMs).catch(() => {}); // told below
    return this.#unanswered.within(reply, bytes, deadlineMs);
  }

  /** What the node owes that has this key. */
  #owedBy(key: RedisArgument): Unanswered | undefined {
    const node = this.#cluster!.slots[slotOf(key)]?.master;
    if (node === undefined) return undefined;
    let owed = this.#owed.get(node);
    if (owed === undefined) {
      this.#owed.set(node, (owed = new Unanswered(this.#options.clock, limits)));
    }
    return owed;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake?.();
    await this.#starting;
    this.#cluster?.destroy();
  }

  /** Tries until the slots are known; from then on the package looks after itself. */
  async #start(): Promise<void> {
    for (let tries = 0; !this.#isClosed; tries++) {
      const cluster = this.#options.open();
      cluster.on('error', (error: Error) => this.#down(error));
      cluster.on('node-error', (error: Error) => this.#down(error));
      cluster.on('node-ready', () => this.#options.onUp());
      try {
        await cluster.connect();
        this.#cluster = cluster;
        this.#options.onUp();
        return;
      } catch (error) {
        this.#down(error instanceof Error ? error : new Error(String(error)));
        await this.#pause(tries);
      }
    }
  }

  #down(error: Error): void {
    this.#lastError = error;
    if (!this.#isClosed) this.#options.onDown(error);
  }

  #pause(tries: number): Promise<void> {
    const { clock, random } = this.#options;
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** tries) * (0.5 + random.next() / 2);
    return new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** The key that says which node a command belongs to. */
function keyOf(args: readonly RedisArgument[]): RedisArgument | undefined {
  const name = String(args[0]).toUpperCase();
  if (name === 'MEMORY') return args[2];
  if (name === 'EVALSHA' || name === 'EVAL') return args[2] === '0' ? undefined : args[3];
  return keyless.has(name) ? undefined : args[1];
}
