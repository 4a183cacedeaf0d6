import type { Clock } from '../kernel/clock.ts';
import { redisFault, type RedisReply } from './redis.ts';

export interface UnansweredLimits {
  /** Commands at most that wait for their reply. */
  readonly commands: number;
  /** Bytes of their arguments at most. */
  readonly bytes: number;
}

/** How often deadlines are looked at while something waits, in milliseconds. */
const grainMs = 2;
/**
 * What a round of the event loop counts at most, in milliseconds. A loop that was busy for longer has not looked whether a reply has
 * come, so that the time that it took is not the server's: a command is written at the end of one round, and what comes of it while the
 * next one works is read in the one after that.
 */
const roundMsMax = 4;

/** A command that was sent. `resolve` is undefined once its caller was told that it is late; its reply is still owed. */
interface Waiting {
  readonly bytes: number;
  /** By this table's own time. */
  readonly since: number;
  readonly due: number;
  readonly deadlineMs: number;
  resolve: ((reply: RedisReply) => void) | undefined;
  reject: ((error: Error) => void) | undefined;
  newer: Waiting | undefined;
  older: Waiting | undefined;
}

/**
 * Commands that wait for their replies: bounded, and each with its deadline. One timer serves them all, and it runs only while something
 * waits. A late command stays counted until the connection answers or breaks, so that a server which takes and never answers
 * cannot fill our memory.
 */
export class Unanswered {
  readonly #clock: Clock;
  readonly #limits: UnansweredLimits;
  readonly #onError: ((error: Error) => void) | undefined;
  #newest: Waiting | undefined;
  #oldest: Waiting | undefined;
  #count = 0;
  #bytes = 0;
  #time = 0;
  #lookedAt = 0;
  #isWatching = false;

  /** @param onError hears of every command that failed. */
  constructor(clock: Clock, limits: UnansweredLimits, onError?: (error: Error) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onError = onError;
  }

  get count(): number {
    return this.#count;
  }

  /** For how long the oldest of them has waited, in milliseconds; 0 where none waits. */
  get oldestMs(): number {
    return this.#oldest === undefined ? 0 : this.#now() - this.#oldest.since;
  }

  /** For how long something has waited for replies, in milliseconds, whatever it was; our own slowness is left out. Never shrinks. */
  get waitedMs(): number {
    return this.#isWatching ? this.#now() : this.#time;
  }

  /** True where one more of that size would be too many. */
  isFull(bytes: number): boolean {
    return this.#count >= this.#limits.commands || this.#bytes + bytes > this.#limits.bytes;
  }

  /**
   * The reply, unless it comes too late.
   * @param reply the connection's own promise, which may stay open for long.
   * @param bytes size of the command's arguments.
   */
  within(reply: Promise<unknown>, bytes: number, deadlineMs: number): Promise<RedisReply> {
    return new Promise((resolve, reject) => {
      const waiting = this.#add(bytes, deadlineMs, resolve, reject);
      reply.then(
        (value) => {
          this.#remove(waiting);
          waiting.resolve?.(value as RedisReply);
        },
        (cause: unknown) => {
          this.#remove(waiting);
          const error = failed(cause);
          waiting.reject?.(error);
          this.#onError?.(error);
        },
      );
    });
  }

  #add(
    bytes: number,
    deadlineMs: number,
    resolve: (reply: RedisReply) => void,
    reject: (error: Error) => void,
  ): Waiting {
    if (!this.#isWatching) this.#lookedAt = this.#clock.tick();
    const since = this.#now();
    const waiting: Waiting = {
      bytes,
      since,
      due: since + deadlineMs,
      deadlineMs,
      resolve,
      reject,
      newer: undefined,
      older: this.#newest,
    };
    if (this.#newest === undefined) this.#oldest = waiting;
    else this.#newest.newer = waiting;
    this.#newest = waiting;
    this.#count++;
    this.#bytes += bytes;
    this.#watch();
    return waiting;
  }

  #remove(waiting: Waiting): void {
    const { newer, older } = waiting;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    this.#count--;
    this.#bytes -= waiting.bytes;
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    // What the sockets hold is read between timers and immediates: replies that are here already go first.
    this.#clock.after(grainMs, () => setImmediate(() => this.#look()));
  }

  #look(): void {
    this.#time = this.#now();
    this.#lookedAt = this.#clock.tick();
    let waits = false;
    for (let each = this.#newest; each !== undefined; each = each.older) {
      if (each.resolve === undefined) continue;
      if (each.due <= this.#time) expire(each);
      else waits = true;
    }
    this.#isWatching = false;
    if (waits || this.#count > 0) this.#watch();
  }

  /** Time as this table counts it: it does not run on while the event loop is held up. */
  #now(): number {
    return this.#time + Math.min(roundMsMax, this.#clock.tick() - this.#lookedAt);
  }
}

function expire(waiting: Waiting): void {
  const { reject, deadlineMs } = waiting;
  waiting.resolve = undefined;
  waiting.reject = undefined;
  reject?.(redisFault(`Redis did not answer within ${deadlineMs} ms.`));
}

function failed(cause: unknown): Error {
  return redisFault(
    `Redis failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  );
}
