import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { EconomizerError } from '../../kernel/errors.ts';
import type { LedgerRow } from '../row.ts';
import type { ReportLine, ReportQuery, Spend, SpendQuery } from '../store.ts';
import { reportFrom } from './sqlite-report.ts';
import { migrate, readAsPresent, rowLengths } from './sqlite-migration.ts';
import { Rollup } from './sqlite-rollup.ts';
import { rowOf, type SqlValue } from './sqlite-rows.ts';
import { chargesFrom, spendFrom } from './sqlite-spend.ts';
import { callColumnNames, schema, schemaVersion } from './sqlite-schema.ts';

/** Another process may be writing; it needs some milliseconds for a batch. */
const busyTimeoutMs = 5000;

/** The ledger's tables. Everything here blocks its thread; the gateway keeps it in a worker. */
export class LedgerDatabase {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync | undefined;
  readonly #rollup: Rollup | undefined;

  /**
   * Opens the file, and makes it unless `readOnly`.
   * @throws EconomizerError `ECO_FILE` if it is missing, is no ledger or was written by a newer Economizer.
   */
  constructor(options: { readonly path: string; readonly readOnly?: boolean }) {
    const { path, readOnly = false } = options;
    this.#database = openDatabase(path, readOnly);
    if (readOnly) return;
    const names = callColumnNames.join(', ');
    const places = callColumnNames.map(() => '?').join(', ');
    this.#insert = this.#database.prepare(
      `INSERT OR IGNORE INTO calls (${names}) VALUES (${places})`,
    );
    this.#rollup = new Rollup(this.#database);
  }

  /**
   * Books journal lines in one transaction; a row whose id is there already changes nothing.
   * @returns how many lines could not be read as rows and were left out.
   */
  insertLines(text: string): number {
    const rollup = this.#rollup!;
    const { rows, unreadable } = parseLines(text);
    let refused = 0;
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const values of rows) {
        const changes = this.#insertRow(values);
        if (changes === 1) rollup.add(values);
        else if (changes === undefined) refused++;
      }
      rollup.write();
      this.#database.exec('COMMIT');
    } catch (error) {
      rollup.forget();
      // SQLite has rolled back by itself where the disk is full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
    return unreadable + refused;
  }

  /** How many rows that added, or undefined for values that no column can hold. */
  #insertRow(values: readonly SqlValue[]): number | undefined {
    try {
      return Number(this.#insert!.run(...values).changes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_INVALID_ARG_TYPE') return undefined;
      throw error;
    }
  }

  report(query: ReportQuery): readonly ReportLine[] {
    return reportFrom(this.#database, query);
  }

  spend(query: SpendQuery): readonly Spend[] {
    return spendFrom(this.#database, query);
  }

  charges(ids: readonly string[]): ReadonlyMap<string, number> {
    return chargesFrom(this.#database, ids);
  }

  /** The newest rows first. */
  recent(limit: number): readonly LedgerRow[] {
    return this.#database
      .prepare(
        `SELECT ${callColumnNames.join(', ')} FROM calls ORDER BY at_ms DESC, rowid DESC LIMIT ?`,
      )
      .all(limit)
      .map((record) => rowOf(record as Parameters<typeof rowOf>[0]));
  }

  /** How many of these journal lines are not in the tables yet. */
  countMissing(text: string): number {
    const known = this.#database.prepare('SELECT 1 FROM calls WHERE id = ?');
    return parseLines(text).rows.filter(([id]) => known.get(id!) === undefined).length;
  }

  /** Deletes up to `limit` calls from before `at`; their hourly sums stay. Returns how many. */
  deleteBefore(at: number, limit: number): number {
    const { changes } = this.#database
      .prepare('DELETE FROM calls WHERE rowid IN (SELECT rowid FROM calls WHERE at_ms < ? LIMIT ?)')
      .run(at, limit);
    return Number(changes);
  }

  close(): void {
    this.#database.close();
  }
}

function openDatabase(path: string, readOnly: boolean): DatabaseSync {
  if (readOnly && !existsSync(path)) {
    throw new EconomizerError(
      'ECO_FILE',
      `There is no ledger at ${path}; start the gateway with \`economizer serve\`, or name its data directory.`,
    );
  }
  if (!readOnly) mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
  try {
    if (!readOnly) database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    const version = versionOf(database);
    if (version > schemaVersion) {
      throw new EconomizerError(
        'ECO_FILE',
        `The ledger at ${path} was written by a newer Economizer; update this one.`,
      );
    }
    if (readOnly) readAsPresent(database, version);
    else prepare(database);
    return database;
  } catch (cause) {
    database.close();
    if (EconomizerError.is(cause) || !isNotADatabase(cause)) throw cause;
    throw new EconomizerError('ECO_FILE', `The file ${path} is not a ledger; move it away.`, {
      cause,
    });
  }
}

/** Makes the tables, or brings those of an older version up to this one. */
function prepare(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    // Read again: another process may have done it meanwhile.
    migrate(database, versionOf(database));
    database.exec(`${schema} COMMIT;`);
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return database.prepare('PRAGMA user_version').get()?.['user_version'] as number;
}

function isNotADatabase(error: unknown): boolean {
  const notADatabase = 26; // SQLITE_NOTADB
  return (error as { readonly errcode?: unknown }).errcode === notADatabase;
}

function parseLines(text: string): { readonly rows: SqlValue[][]; readonly unreadable: number } {
  const lines = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (lines === '') return { rows: [], unreadable: 0 };
  try {
    // One parse for all is a fifth of the cost of one for each.
    const rows = JSON.parse(`[${lines.replaceAll('\n', ',')}]`) as unknown[];
    if (rows.every((row) => isRow(row))) return { rows: rows.map(filled), unreadable: 0 };
  } catch {
    // Some line is torn; the others are read below.
  }
  const each = lines.split('\n').map(parseLine);
  const rows = each.filter((row) => row !== undefined);
  return { rows, unreadable: each.length - rows.length };
}

function parseLine(line: string): SqlValue[] | undefined {
  try {
    const row: unknown = JSON.parse(line);
    return isRow(row) ? filled(row) : undefined;
  } catch {
    return undefined;
  }
}

/** A row of an older version, with what it lacks left empty. */
function filled(row: SqlValue[]): SqlValue[] {
  while (row.length < callColumnNames.length) row.push(null);
  return row;
}

function isRow(value: unknown): value is SqlValue[] {
  return Array.isArray(value) && rowLengths.has(value.length);
}
