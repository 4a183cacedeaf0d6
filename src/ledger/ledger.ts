import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import { Journal, journalDirectory, leftSegments, type Segment } from './journal.ts';
import type { LedgerRow } from './row.ts';
import type { ReportLine, ReportQuery, Spend, SpendQuery } from './store.ts';
import { journalLine } from './stores/sqlite-rows.ts';
import { SqliteThread } from './stores/sqlite-thread.ts';

/** The book of calls. */
export interface Ledger {
  /**
   * Resolves when the row would survive `kill -9` of this process. Never rejects: accounting must not fail a call. Where
   * the journal cannot be written (disk full), rows wait in memory, up to a limit, and a signal tells.
   */
  book(row: LedgerRow): Promise<void>;
  /** Resolves when all rows booked so far can be read back. @throws EconomizerError `ECO_LEDGER`. */
  flush(): Promise<void>;
  /** Sums over all rows booked so far. @throws EconomizerError `ECO_LEDGER`. */
  report(query: ReportQuery): Promise<readonly ReportLine[]>;
  /** What was charged to a scope. @throws EconomizerError `ECO_LEDGER`. */
  spend(query: SpendQuery): Promise<readonly Spend[]>;
  /** What these calls were charged, by id, as far as it is known. @throws EconomizerError `ECO_LEDGER`. */
  charges(ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The newest rows first. @throws EconomizerError `ECO_LEDGER`. */
  recent(limit: number): Promise<readonly LedgerRow[]>;
  /** Books what is left and ends the worker. What cannot be booked stays in the journal for the next start. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  /** The SQLite file. The journal lies in a directory beside it, of the same name with `-journal.d` behind it. */
  readonly path: string;
  readonly clock: Clock;
  readonly signals: Signals;
  /** How long calls are kept in milliseconds; their hourly sums are kept for ever. Undefined: for ever. */
  readonly retentionMs?: number | undefined;
  /** A journal segment is ended at this size. */
  readonly segmentBytes?: number;
  /** Rows that wait in memory while the journal cannot be written; beyond it the oldest are lost. */
  readonly waitingRows?: number;
}

/** Rows reach the database after this time at the latest, in milliseconds ... */
const handOverMs = 100;
/** ... or when the journal has grown by so many bytes. */
const handOverBytes = 256 * 1024;
const tendMs = 60_000;
/** A journal that could not be written is tried again after so many milliseconds. */
const retryMs = 1000;

/** Opens the ledger, and takes over what processes that were killed have left in the journal. Several may share one. */
export function createLedger(options: LedgerOptions): Ledger {
  return new JournaledLedger(options);
}

interface Turn {
  readonly rows: LedgerRow[];
  readonly booked: Promise<void>;
  readonly resolve: () => void;
}

class JournaledLedger implements Ledger {
  readonly #clock: Clock;
  readonly #signals: Signals;
  readonly #retentionMs: number | undefined;
  readonly #waitingRows: number;
  readonly #directory: string;
  readonly #journal: Journal;
  readonly #thread: SqliteThread;
  /** The rows of this turn of the event loop: they are written together and share one promise. */
  #turn: Turn | undefined;
  /** Lines that the journal could not take. */
  #waiting: string[] = [];
  #lostRows = 0;
  #handedOver = 0;
  #stopHandOver: (() => void) | undefined;
  #stopTending: () => void;

  constructor(options: LedgerOptions) {
    const { path, clock, signals, segmentBytes = 8 * 1024 * 1024, waitingRows = 10_000 } = options;
    this.#directory = journalDirectory(path);
    this.#clock = clock;
    this.#signals = signals;
    this.#retentionMs = options.retentionMs;
    this.#waitingRows = waitingRows;
    this.#journal = new Journal({ directory: this.#directory, segmentBytes });
    this.#thread = new SqliteThread({ path, clock, signals });
    this.#takeOver();
    this.#forget();
    this.#stopTending = clock.after(tendMs, () => this.#tend());
  }

  book(row: LedgerRow): Promise<void> {
    const turn = (this.#turn ??= this.#newTurn());
    turn.rows.push(row);
    return turn.booked;
  }

  async flush(): Promise<void> {
    this.#write();
    this.#retry();
    this.#handOver(this.#journal.present());
    await this.#thread.ask('flush', undefined);
  }

  async report(query: ReportQuery): Promise<readonly ReportLine[]> {
    await this.flush();
    return this.#thread.ask('report', query);
  }

  async spend(query: SpendQuery): Promise<readonly Spend[]> {
    await this.flush();
    return this.#thread.ask('spend', query);
  }

  async charges(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    await this.flush();
    return this.#thread.ask('charges', ids);
  }

  async recent(limit: number): Promise<readonly LedgerRow[]> {
    await this.flush();
    return this.#thread.ask('recent', limit);
  }

  async close(): Promise<void> {
    this.#stopTending();
    this.#write();
    this.#retry();
    this.#handOver(this.#journal.finish());
    try {
      await this.#thread.ask('flush', undefined);
    } catch (error) {
      this.#signals.emit('part-failed', { part: 'ledger', operation: 'close', error });
    }
    await this.#thread.close();
    this.#journal.close();
  }

  #newTurn(): Turn {
    const { promise, resolve } = Promise.withResolvers<void>();
    setImmediate(() => this.#write());
    return { rows: [], booked: promise, resolve };
  }

  /** Writes the rows of the turn with one system call. */
  #write(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    if (this.#waiting.length > 0) {
      this.#waiting.push(...turn.rows.map(journalLine));
      this.#limitWaiting();
    } else {
      let lines = '';
      for (const row of turn.rows) lines += journalLine(row);
      this.#append(lines);
    }
    turn.resolve();
  }

  #append(lines: string): void {
    try {
      const finished = this.#journal.append(lines);
      if (finished !== undefined) this.#handOver(finished);
      else this.#handOverSoon();
    } catch (error) {
      this.#waiting = lines.match(/.+\n/g) ?? [];
      this.#limitWaiting();
      this.#signals.emit('part-failed', { part: 'ledger', operation: 'journal', error });
      this.#clock.after(retryMs, () => this.#retry());
    }
  }

  /** Tries again to write what had to wait; on failure it waits on. */
  #retry(): void {
    const lines = this.#waiting.join('');
    this.#waiting = [];
    if (lines === '') return;
    this.#append(lines);
    if (this.#waiting.length > 0) return;
    this.#signals.emit('part-healed', { part: 'ledger' });
    if (this.#lostRows === 0) return;
    const text = `${this.#lostRows} call(s) are missing in the ledger: its journal could not be written, and only ${this.#waitingRows} rows wait in memory.`;
    this.#signals.emit('notice', { text });
    this.#lostRows = 0;
  }

  #limitWaiting(): void {
    const excess = this.#waiting.length - this.#waitingRows;
    if (excess <= 0) return;
    this.#waiting.splice(0, excess);
    this.#lostRows += excess;
  }

  #handOverSoon(): void {
    const present = this.#journal.present();
    if (present !== undefined && present.to - this.#handedOver >= handOverBytes) {
      this.#handOver(present);
      return;
    }
    this.#stopHandOver ??= this.#clock.after(handOverMs, () =>
      this.#handOver(this.#journal.present()),
    );
  }

  #handOver(segment: Segment | undefined): void {
    this.#stopHandOver?.();
    this.#stopHandOver = undefined;
    if (segment === undefined) return;
    this.#handedOver = segment.isFinished ? 0 : segment.to;
    this.#thread.book([segment]);
  }

  /** Once a minute: the segment is ended so that its file can go, what others that died have left is taken over, and old calls are deleted. */
  #tend(): void {
    this.#handOver(this.#journal.finish());
    this.#takeOver();
    this.#forget();
    this.#stopTending = this.#clock.after(tendMs, () => this.#tend());
  }

  #forget(): void {
    if (this.#retentionMs !== undefined) this.#thread.forget(this.#clock.now() - this.#retentionMs);
  }

  #takeOver(): void {
    try {
      this.#thread.book(leftSegments(this.#directory));
    } catch (error) {
      this.#signals.emit('part-failed', { part: 'ledger', operation: 'recover', error });
    }
  }
}
