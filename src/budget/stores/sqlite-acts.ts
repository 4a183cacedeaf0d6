import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Awaitable } from '../store.ts';
import { isBusy, openBudgetFile } from './sqlite-file.ts';

/** Tries at once, with a tenth of a millisecond between them: an act of another process takes less. */
const promptTries = 10;
const promptPauseMs = 0.05;
/** Later tries leave the event loop free; the longest pause between them, in milliseconds. */
const longestPauseMs = 20;
const defaultBusyMs = 2000;

const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Runs acts as transactions on the budget file, and tries again while another process is writing; never longer than a bound. */
export class BudgetFile {
  readonly path: string;
  /** Called within each act before its work; throwing undoes it. */
  onBegun: () => void = () => {};
  /** Called within each act after its work. */
  onEnding: () => void = () => {};
  /** Called when an act was undone that may have written. */
  onUndone: () => void = () => {};
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #busyMs: number;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #statements = new Map<string, StatementSync>();
  #isClosed = false;

  constructor(options: {
    readonly path: string;
    readonly clock: Clock;
    readonly busyMs?: number | undefined;
  }) {
    this.path = options.path;
    this.#clock = options.clock;
    this.#busyMs = options.busyMs ?? defaultBusyMs;
    this.#database = openBudgetFile(options.path);
    // BEGIN IMMEDIATE takes the write lock before anything is read: nothing that was read can be out of date.
    this.#begin = this.#database.prepare('BEGIN IMMEDIATE');
    this.#commit = this.#database.prepare('COMMIT');
  }

  prepareAll<Names extends string>(
    sql: Readonly<Record<Names, string>>,
  ): Record<Names, StatementSync> {
    const entries = Object.entries<string>(sql);
    const statements = entries.map(([name, text]) => [name, this.#database.prepare(text)]);
    return Object.fromEntries(statements) as Record<Names, StatementSync>;
  }

  /** The statement of this name, made when it is first asked for; its rows come as arrays. */
  statement(name: string, text: () => string): StatementSync {
    const found = this.#statements.get(name);
    if (found !== undefined) return found;
    const made = this.#database.prepare(text());
    made.setReturnArrays(true);
    this.#statements.set(name, made);
    return made;
  }

  /** All of `work` or nothing of it. Throws or rejects with `ECO_BUDGET_STORE` where that cannot be. */
  act<Value>(work: () => Value): Awaitable<Value> {
    return this.#persist(() => {
      this.#begin.run();
      this.onBegun();
      const value = work();
      this.onEnding();
      this.#commit.run();
      return value;
    });
  }

  /** Reads without a lock; a writer is in nobody's way. */
  look<Value>(work: () => Value): Awaitable<Value> {
    return this.#persist(work);
  }

  close(): void {
    this.#isClosed = true;
    this.#database.close();
  }

  #persist<Value>(attempt: () => Value): Awaitable<Value> {
    for (let tries = 1; ; tries++) {
      const result = this.#try(attempt);
      if (result !== busy) return result;
      if (tries === promptTries) return this.#later(attempt);
      Atomics.wait(nobody, 0, 0, promptPauseMs);
    }
  }

  async #later<Value>(attempt: () => Value): Promise<Value> {
    const deadline = this.#clock.tick() + this.#busyMs;
    // The clock's own timers keep no process alive: a command would end in the midst of this.
    const alive = setInterval(() => {}, this.#busyMs);
    try {
      let pauseMs = 1;
      while (this.#clock.tick() < deadline) {
        await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve));
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
        const result = this.#try(attempt);
        if (result !== busy) return result;
      }
    } finally {
      clearInterval(alive);
    }
    throw this.#fault(`another process kept it locked for ${this.#busyMs} ms`, undefined);
  }

  #try<Value>(attempt: () => Value): Value | typeof busy {
    if (this.#isClosed) throw this.#fault('it is closed', undefined);
    try {
      return attempt();
    } catch (error) {
      const hasBegun = this.#database.isTransaction;
      // SQLite has rolled back by itself where the disk is full.
      if (hasBegun) this.#database.exec('ROLLBACK');
      const isOthers = isBusy(error);
      if (hasBegun || !isOthers) this.onUndone();
      if (isOthers) return busy;
      if (EconomizerError.is(error)) throw error;
      throw this.#fault(error instanceof Error ? error.message : String(error), error);
    }
  }

  #fault(reason: string, cause: unknown): EconomizerError {
    return new EconomizerError(
      'ECO_BUDGET_STORE',
      `The budget file ${this.path} cannot be used: ${reason}.`,
      { cause },
    );
  }
}

const busy = Symbol('busy');
