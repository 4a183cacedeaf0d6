import type { RedisClientType } from '@redis/client';
import type { Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import { redisFault, type RedisArgument, type RedisReply } from './redis.ts';
import { Unanswered } from './unanswered.ts';

/** Something that takes commands: one server, or a cluster. */
export interface RedisTarget {
  /** False while a command would only wait. */
  readonly isReady: boolean;
  /** See `RedisLink`. */
  readonly waitedMs: number;
  /** Rejects, and at once where it is not ready. */
  ask(args: readonly RedisArgument[], deadlineMs: number): Promise<RedisReply>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** A client that is not connected yet, for the server that is to be asked now; it must not reconnect by itself. */
  readonly open: () => Promise<RedisClientType> | RedisClientType;
  readonly connectMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /** The connection stands, for the first time or again; where this rejects it is given up and made anew. */
  readonly onUp: (client: RedisClientType) => Promise<void> | void;
  readonly onDown: (error: Error) => void;
}

/** How often a silent server is asked whether it is there, in milliseconds. */
const pingMs = 1000;
/** A server that owes a reply for longer counts as lost. Well above what a slow command may take. */
export const stallMs = 250;
/** A connection that owes a reply for longer is given up. */
const deadMs = 3000;
const limits = { commands: 10_000, bytes: 64 * 1024 * 1024 };
const firstPauseMs = 50;
const longestPauseMs = 2000;

/**
 * A connection to one server that is made again, with growing pauses, whenever it breaks or the server falls silent. A server that
 * takes commands and answers none (stopped, or behind a dead link) is not asked any more as soon as it is late, and left after three seconds.
 */
export class RedisConnection implements RedisTarget {
  readonly #options: ConnectionOptions;
  readonly #unanswered: Unanswered;
  #client: RedisClientType | undefined;
  #isUp = false;
  #isClosed = false;
  #lastError: Error | undefined;
  #attempt = 0;
  /** Ends what `#run` waits for. */
  #wake: (() => void) | undefined;
  readonly #running: Promise<void>;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    // A master that became a replica: whoever found it must look again.
    this.#unanswered = new Unanswered(options.clock, limits, (error) => {
      if (error.message.includes('READONLY')) this.renew(error);
    });
    this.#running = this.#run();
  }

  get isReady(): boolean {
    return this.#isUp && this.#unanswered.oldestMs < stallMs;
  }

  get waitedMs(): number {
    return this.#unanswered.waitedMs;
  }

  ask(args: readonly RedisArgument[], deadlineMs: number): Promise<RedisReply> {
    // Replies come in order: behind one that is owed for longer than this command may take, it would only wait.
    const isStuck = this.#unanswered.oldestMs >= Math.min(deadlineMs, stallMs);
    if (!this.#isUp || isStuck) return Promise.reject(this.#unready());
    const bytes = sizeOf(args);
    if (this.#unanswered.isFull(bytes)) return Promise.reject(tooMany());
    const reply = this.#client!.sendCommand(args);
    return this.#unanswered.within(reply, bytes, deadlineMs);
  }

  /** The connection is of no use, whatever it says: a new one is made. */
  renew(error: Error): void {
    if (this.#isUp) this.#lose(error);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#lose(redisFault('The connection to Redis was closed.'));
    await this.#running;
  }

  #unready(): Error {
    const text = this.#isUp
      ? 'Redis takes commands but does not answer them just now.'
      : 'Redis cannot be reached just now.';
    return redisFault(text, this.#lastError);
  }

  async #run(): Promise<void> {
    for (let tries = 0; !this.#isClosed; tries++) {
      try {
        await this.#connect();
        tries = 0;
        await this.#watch();
      } catch (error) {
        this.#lastError = error instanceof Error ? error : new Error(String(error));
        if (!this.#isClosed) this.#options.onDown(this.#lastError);
      }
      this.#drop();
      if (!this.#isClosed) await this.#pause(tries);
    }
  }

  /** The whole of it in time: a stopped server lets itself be connected to and then says nothing. */
  async #connect(): Promise<void> {
    const { open, onUp, connectMs, clock } = this.#options;
    let cancel = (): void => {};
    const late = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(connectMs, () =>
        reject(redisFault(`Redis did not take our connection within ${connectMs} ms.`)),
      );
      this.#wake = () => reject(this.#lastError!);
    });
    late.catch(() => {});
    try {
      await Promise.race([this.#begin(open, onUp), late]);
    } finally {
      cancel();
    }
  }

  async #begin(open: ConnectionOptions['open'], onUp: ConnectionOptions['onUp']): Promise<void> {
    const attempt = ++this.#attempt;
    const client = await open();
    if (this.#attempt !== attempt || this.#isClosed) return client.destroy();
    this.#client = client;
    // What breaks is told to whoever waits for a reply; without a listener it would end the process.
    client.on('error', (error: Error) => {
      if (this.#client === client) this.#lose(error);
    });
    await client.connect();
    if (this.#client !== client) return client.destroy();
    this.#isUp = true;
    await onUp(client);
  }

  /** Resolves never; rejects when the connection is lost. */
  #watch(): Promise<never> {
    return new Promise((_resolve, reject) => {
      const beat = (): void => {
        if (this.#unanswered.oldestMs > deadMs) {
          this.#lose(redisFault(`Redis has not answered for ${deadMs} ms.`));
        } else if (this.#unanswered.count === 0) {
          this.ask(['PING'], stallMs).catch(() => {});
        }
        cancel = this.#options.clock.after(pingMs, beat);
      };
      let cancel = this.#options.clock.after(pingMs, beat);
      this.#wake = () => {
        cancel();
        reject(this.#lastError!);
      };
      if (!this.#isUp) this.#wake();
    });
  }

  #lose(error: Error): void {
    this.#lastError = error;
    this.#isUp = false;
    this.#wake?.();
  }

  #drop(): void {
    const client = this.#client;
    this.#attempt++;
    this.#client = undefined;
    this.#isUp = false;
    this.#wake = undefined;
    client?.destroy();
  }

  /** Jitter, so that the gateways of a house do not come back in step. */
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

export function sizeOf(args: readonly RedisArgument[]): number {
  let bytes = 0;
  for (const each of args) bytes += each.length;
  return bytes;
}

export function tooMany(): Error {
  return redisFault('Too many commands wait for Redis already; this one was not sent.');
}
