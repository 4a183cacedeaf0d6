import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EconomizerError } from '../../kernel/errors.ts';

/** "EcoB" in ASCII: marks a file as one of ours. */
const applicationId = 0x45636f42;
const schemaVersion = 2;
/** At the start another process may be making the tables. */
const openTimeoutMs = 5000;
/** A commit copies whole pages to the log, two or three each time; small ones are a fourth of the bytes. */
const pageBytes = 1024;
/** Pages in the log (32 MB) before a commit copies them into the file itself, which stops calls for milliseconds; a thread does it before (`sqlite-log.ts`). */
const checkpointPages = 32_000;

/**
 * Accounts have numbers, never used twice, by which holds name them. Their balances are a table of their own, so narrow that those of
 * one call are mostly on one page. A hold stays, as settled, until its id may be forgotten;
 * `since` is when it was settled or charged. An owner whose lease is over keeps its row, with `lease_until` 0, as long as holds name it.
 * There are no indexes besides the keys: each would be one more page to write, twice a call.
 */
const schema = `
  CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    ends_at REAL
  );
  CREATE TABLE balances (id INTEGER PRIMARY KEY, spent INTEGER NOT NULL, held INTEGER NOT NULL);
  CREATE TRIGGER account_made AFTER INSERT ON accounts BEGIN
    INSERT INTO balances (id, spent, held) VALUES (new.id, 0, 0);
  END;
  CREATE TRIGGER account_forgotten AFTER DELETE ON accounts BEGIN
    DELETE FROM balances WHERE id = old.id;
  END;
  CREATE TABLE owners (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    lease_until REAL NOT NULL
  );
  CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    state INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    accounts TEXT NOT NULL,
    since REAL
  ) WITHOUT ROWID;
  CREATE TABLE claims (name TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE flags (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

/**
 * Opens the file, and makes it where it is missing.
 * @throws EconomizerError `ECO_BUDGET_FILE` if it cannot be opened or written, is damaged, or is not a budget file of this version.
 */
export function openBudgetFile(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path, { timeout: openTimeoutMs });
    database.exec(`
      PRAGMA page_size = ${pageBytes};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = ${checkpointPages};
    `);
    adopt(database, path);
    // From here on a locked file is waited for by trying again, not by stopping the whole process.
    database.exec('PRAGMA busy_timeout = 0');
    return database;
  } catch (cause) {
    database?.close();
    if (EconomizerError.is(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EconomizerError(
      'ECO_BUDGET_FILE',
      `The budget file ${path} cannot be opened: ${reason}. Give access to it, or move it away: what was spent is then taken from the ledger.`,
      { cause },
    );
  }
}

function adopt(database: DatabaseSync, path: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const owner = numberOf(database, 'application_id');
    const version = numberOf(database, 'user_version');
    if (owner === 0 && tableCount(database) === 0) {
      database.exec(schema);
      database.exec(`PRAGMA application_id = ${applicationId}`);
      database.exec(`PRAGMA user_version = ${schemaVersion}`);
    } else if (owner !== applicationId || version !== schemaVersion) {
      throw new EconomizerError(
        'ECO_BUDGET_FILE',
        owner === applicationId
          ? `The budget file ${path} was written by another version of Economizer; use that one, or move the file away.`
          : `The file ${path} is not a budget file of Economizer; name another.`,
      );
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** True for SQLITE_BUSY and SQLITE_LOCKED: another process is writing. */
export function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' && ((code & 0xff) === 5 || (code & 0xff) === 6);
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
}

function tableCount(database: DatabaseSync): number {
  const row = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get();
  return Number(row?.['tables']);
}
