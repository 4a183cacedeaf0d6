import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EconomizerError } from '../../kernel/errors.ts';

/** "Econ" in ASCII: marks a file as one of our caches. */
const applicationId = 0x45636f6e;
/** Raise it with every change of the tables or of the entries' form; a file of another version is emptied: what it holds no purge could name. */
const schemaVersion = 3;
/** At the start another process may be making the tables. */
const openTimeoutMs = 5000;

/**
 * Bodies are kept once however many entries bear them: `refs` counts these, and the trigger keeps count on each way
 * an entry can go, replacement included, so that neither side is ever left without the other. What is looked up by is
 * a number of 48 or 53 bits beside the true key or hash: an index of those is a quarter of the size, and pages
 * of indexes that are hit at random are the greater part of what a write costs.
 */
const schema = `
  CREATE TABLE bodies (
    id INTEGER PRIMARY KEY,
    prefix INTEGER NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    refs INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    bytes BLOB NOT NULL
  );
  CREATE INDEX bodies_shared ON bodies (refs) WHERE refs > 1;
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    name INTEGER NOT NULL UNIQUE,
    key TEXT NOT NULL,
    body INTEGER NOT NULL,
    stale_until REAL NOT NULL,
    used_at REAL NOT NULL,
    head BLOB NOT NULL
  );
  CREATE INDEX entries_by_use ON entries (used_at);
  CREATE TRIGGER entry_gone AFTER DELETE ON entries BEGIN
    DELETE FROM bodies WHERE id = OLD.body AND refs <= 1;
    UPDATE bodies SET refs = refs - 1 WHERE id = OLD.body;
  END;
`;

/** A cache file that is open. */
export interface CacheFile {
  readonly database: DatabaseSync;
  /** Tells this file from a later one of the same name. */
  readonly inode: number;
}

/**
 * Opens the file, makes it where it is missing, and empties it where another version wrote it.
 * @throws EconomizerError `ECO_CACHE_CORRUPT` if what is there is not a cache of ours, `ECO_CACHE_FILE` if it cannot be opened at all.
 */
export function openCacheFile(path: string): CacheFile {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Answers are the owner's alone; SQLite gives its side files the same mode.
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw unopened(path, cause);
  }
  let database: DatabaseSync | undefined;
  try {
    database = connect(path);
    adopt(database, path);
    return { database, inode: statSync(path).ino };
  } catch (cause) {
    database?.close();
    if (EconomizerError.is(cause)) throw cause;
    throw isCorruption(cause) ? corruptFile(path, cause) : unopened(path, cause);
  }
}

/** A connection with the house's settings; reader and writer thread have one each. */
export function connect(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: openTimeoutMs });
  // Checkpoints are the writer thread's work: on the reader's thread one would stop the event loop for milliseconds.
  database.exec(`
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA recursive_triggers = ON;
  `);
  return database;
}

/** True for the errors that tell of a damaged or foreign file: SQLITE_CORRUPT and SQLITE_NOTADB, with their finer kinds. */
export function isCorruption(error: unknown): boolean {
  const code = resultCode(error);
  return code === 11 || code === 26;
}

/** True for SQLITE_BUSY and SQLITE_LOCKED: another process is writing. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === 5 || code === 6;
}

/** Renames the file out of the way and returns its new name; undefined if another process has done so already. */
export function moveAside(path: string, now: number, inode?: number): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || (inode !== undefined && found.ino !== inode)) return undefined;
  const aside = `${path}.corrupt-${new Date(now).toISOString().replace(/[:.]/g, '-')}`;
  renameSync(path, aside);
  // A log that stayed behind would be taken for the new file's.
  if (statSync(`${path}-wal`, { throwIfNoEntry: false })) renameSync(`${path}-wal`, `${aside}-wal`);
  rmSync(`${path}-shm`, { force: true });
  return aside;
}

function adopt(database: DatabaseSync, path: string): void {
  if (numberOf(database, 'application_id') === applicationId) {
    if (numberOf(database, 'user_version') === schemaVersion) return;
  }
  database.exec('BEGIN IMMEDIATE');
  try {
    // Asked again under the lock: another process may have been quicker.
    const owner = numberOf(database, 'application_id');
    const isOurs = owner === applicationId;
    if (!isOurs && (owner !== 0 || tablesOf(database).length > 0)) {
      throw corruptFile(path, new Error(`application_id is ${owner}`));
    }
    if (!isOurs || numberOf(database, 'user_version') !== schemaVersion) {
      for (const table of tablesOf(database)) database.exec(`DROP TABLE "${table}"`);
      database.exec(schema);
      database.exec(`PRAGMA application_id = ${applicationId}`);
      database.exec(`PRAGMA user_version = ${schemaVersion}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** The value of a pragma that is a number. */
export function numberOf(database: DatabaseSync, pragma: string): number {
  const row = database.prepare(`PRAGMA ${pragma}`).get() ?? {};
  return Number(Object.values(row)[0]);
}

function tablesOf(database: DatabaseSync): string[] {
  const query = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`;
  return database
    .prepare(query)
    .all()
    .map((row) => String(row['name']));
}

function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** The error for a file that is damaged or not ours. */
export function corruptFile(path: string, cause: unknown): EconomizerError {
  const message = `The cache file ${path} is damaged or not a cache of Economizer.`;
  return new EconomizerError('ECO_CACHE_CORRUPT', message, { cause });
}

function unopened(path: string, cause: unknown): EconomizerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `The cache file ${path} cannot be opened: ${reason}. Name another place or give access to it.`;
  return new EconomizerError('ECO_CACHE_FILE', message, { cause });
}
