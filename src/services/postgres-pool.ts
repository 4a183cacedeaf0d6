import { systemClock, type Clock } from '../kernel/clock.ts';
import { PostgresConnection } from './postgres-connection.ts';
import { postgresPackage } from './postgres-package.ts';
import {
  postgresFault,
  sqlState,
  type PostgresLink,
  type PostgresLinkOptions,
  type PostgresRow,
  type PostgresStatement,
  type PostgresValue,
} from './postgres.ts';

/** A connection that owes an answer for so much longer than it may take is given up, in milliseconds. */
const lostAfterMs = 3000;
const waitingMax = 1000;
const firstPauseMs = 50;
const longestPauseMs = 2000;
/** A timer that fires later than this tells that this process was held up, not the server: the answer may lie unread. */
const latenessMs = 5;
const chancesMax = 4;

/** No such table, function or schema; and a server that became somebody's copy, which takes no writes. */
const outdated = new Set(['42P01', '42883', '3F000', '25006']);

interface Job {
  readonly statement: PostgresStatement;
  readonly values: readonly PostgresValue[];
  readonly resolve: (rows: readonly PostgresRow[]) => void;
  readonly reject: (error: Error) => void;
  cancel: () => void;
  isLate: boolean;
}

/**
 * Begins to connect and returns at once; until a connection stands everything is refused.
 * @throws EconomizerError `ECO_CONFIG` where the client package is not installed.
 */
export function connectPostgres(
  options: PostgresLinkOptions,
  clock: Clock = systemClock,
): PostgresLink {
  postgresPackage();
  return new Pool(options, clock);
}

class Pool implements PostgresLink {
  readonly tried: Promise<void>;
  #endTrial: () => void = () => {};
  readonly #options: PostgresLinkOptions;
  readonly #clock: Clock;
  /** What each connection is at; undefined: idle. */
  readonly #jobs = new Map<PostgresConnection, Job | undefined>();
  readonly #idle: PostgresConnection[] = [];
  readonly #waiting = new Set<Job>();
  #isOpening: Promise<void> | undefined;
  #tries = 0;
  #cancelPause: (() => void) | undefined;
  #isUp: boolean | undefined;
  #isClosed = false;
  #lastError: Error | undefined;

  constructor(options: PostgresLinkOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.tried = new Promise((resolve) => (this.#endTrial = resolve));
    this.#grow();
  }

  get connected(): boolean {
    return this.#jobs.size > 0 && !this.#isStuck;
  }

  query(
    statement: PostgresStatement,
    values: readonly PostgresValue[] = [],
  ): Promise<readonly PostgresRow[]> {
    if (!this.connected || this.#isClosed) return Promise.reject(this.#unready());
    if (this.#waiting.size >= waitingMax) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const job: Job = { statement, values, resolve, reject, cancel: () => {}, isLate: false };
      this.#arm(job, chancesMax);
      const connection = this.#idle.pop();
      if (connection !== undefined) return this.#run(connection, job);
      this.#waiting.add(job);
      this.#grow();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endTrial();
    this.#cancelPause?.();
    for (const job of this.#waiting) this.#settle(job, () => job.reject(this.#unready()));
    await this.#isOpening;
    const ends = [...this.#jobs].map(async ([connection, job]) => {
      if (job === undefined) await connection.end();
      else connection.lose(this.#unready());
    });
    this.#jobs.clear();
    await Promise.all(ends);
  }

  /** True while every connection waits for an answer that is late already. */
  get #isStuck(): boolean {
    for (const job of this.#jobs.values()) if (job?.isLate !== true) return false;
    return this.#jobs.size > 0;
  }

  #run(connection: PostgresConnection, job: Job): void {
    this.#jobs.set(connection, job);
    connection.query(job.statement, job.values).then(
      (rows) => this.#ran(connection, job, () => job.resolve(rows)),
      (error: Error) => {
        // What it was prepared for is not there any more: another is prepared anew.
        if (outdated.has(sqlState(error) ?? '')) connection.lose(error);
        this.#ran(connection, job, () => job.reject(error));
      },
    );
  }

  #ran(connection: PostgresConnection, job: Job, tell: () => void): void {
    this.#settle(job, tell);
    if (!this.#jobs.has(connection)) return;
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      return this.#run(connection, next);
    }
    this.#jobs.set(connection, undefined);
    this.#idle.push(connection);
  }

  #settle(job: Job, tell: () => void): void {
    job.cancel();
    this.#waiting.delete(job);
    tell(); // to no effect where the job is late
  }

  #arm(job: Job, chances: number): void {
    const { deadlineMs } = this.#options;
    const from = this.#clock.tick();
    job.cancel = this.#clock.after(deadlineMs, () => {
      const wasBusy = this.#clock.tick() - from > deadlineMs + latenessMs;
      if (wasBusy && chances > 0) return this.#arm(job, chances - 1);
      this.#giveUp(job);
    });
  }

  /** The connection stays occupied until its answer comes: it may be the server's last one for a while. */
  #giveUp(job: Job): void {
    const { deadlineMs } = this.#options;
    job.isLate = true;
    this.#waiting.delete(job);
    job.reject(postgresFault(`PostgreSQL did not answer within ${deadlineMs} ms.`));
    for (const [connection, its] of this.#jobs) {
      if (its !== job) continue;
      const error = postgresFault(`PostgreSQL has not answered for ${lostAfterMs} ms.`);
      job.cancel = this.#clock.after(lostAfterMs, () => connection.lose(error));
    }
  }

  /** One more connection, where there may be one: one after the other, and none before its time after one that failed. */
  #grow(): void {
    const isFull = this.#jobs.size >= this.#options.maxConnections;
    if (this.#isClosed || isFull || this.#isOpening !== undefined) return;
    if (this.#cancelPause !== undefined) return;
    this.#isOpening = this.#open().finally(() => {
      this.#isOpening = undefined;
      if (this.#waiting.size > 0 || this.#jobs.size === 0) this.#grow();
    });
  }

  async #open(): Promise<void> {
    try {
      const connection = await PostgresConnection.open(this.#options, this.#clock, (lost, error) =>
        this.#lost(lost, error),
      );
      if (this.#isClosed) return await connection.end();
      this.#tries = 0;
      this.#jobs.set(connection, undefined);
      this.#tell(true);
      const [job] = this.#waiting;
      if (job === undefined) this.#idle.push(connection);
      else {
        this.#waiting.delete(job);
        this.#run(connection, job);
      }
    } catch (error) {
      this.#lastError = error as Error;
      if (this.#jobs.size === 0) this.#tell(false);
      this.#pause();
    }
  }

  #lost(connection: PostgresConnection, error: Error): void {
    this.#lastError = error;
    this.#jobs.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#isClosed || this.#jobs.size > 0) return;
    this.#tell(false);
    for (const job of this.#waiting) this.#settle(job, () => job.reject(this.#unready()));
    this.#grow();
  }

  /** Jitter, so that the gateways of a house do not come back in step. */
  #pause(): void {
    if (this.#isClosed) return;
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#tries++);
    this.#cancelPause = this.#clock.after(ms * (0.5 + Math.random() / 2), () => {
      this.#cancelPause = undefined;
      this.#grow();
    });
  }

  /** Tells of changes only. */
  #tell(connected: boolean): void {
    if (this.#isUp === connected || this.#isClosed) return;
    this.#isUp = connected;
    const error = this.#lastError;
    this.#options.onState?.({ connected, ...(connected || error === undefined ? {} : { error }) });
    this.#endTrial();
  }

  #unready(): Error {
    const text = this.#isStuck
      ? 'PostgreSQL takes statements but does not answer them just now.'
      : 'PostgreSQL cannot be reached just now.';
    return postgresFault(text, this.#lastError);
  }
}

function tooMany(): Error {
  return postgresFault('Too many statements wait for PostgreSQL already; this one was not sent.');
}
