import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TierStats } from '../tier.ts';
import { fingerprint } from './fingerprint.ts';
import { readBatch, type Change } from './sqlite-batch.ts';
import { packBody } from './sqlite-body.ts';
import { connect, isBusy, numberOf } from './sqlite-file.ts';

/** Rows that leave in one statement. */
const evictionStep = 64;
/** Rows that one tidying looks through for what has expired. */
const sweepStep = 2000;
/** Payload between two checkpoints: a page that is changed often is then copied into the file once. */
const checkpointBytes = 12 * 1024 * 1024;
/** Indexes are hit at random; with SQLite's own 2 MB a batch reads and writes their pages again and again. */
const cacheKilobytes = 16_000;
const attemptsMax = 3;

export interface SqliteStoreOptions {
  readonly path: string;
  /** Bytes of the file, without its write-ahead log. */
  readonly maxBytes: number;
}

/** Everything that writes to the cache file; lives in the writer thread. */
export class SqliteStore {
  readonly #database: DatabaseSync;
  readonly #maxBytes: number;
  readonly #pageBytes: number;
  readonly #statements: Readonly<Record<StatementName, StatementSync>>;
  #evictions = 0;
  #unmovedBytes = 0;
  #sweptId = 0;

  constructor({ path, maxBytes }: SqliteStoreOptions) {
    this.#database = connect(path);
    this.#maxBytes = maxBytes;
    this.#pageBytes = numberOf(this.#database, 'page_size');
    this.#statements = prepareAll(this.#database);
    this.#database.exec(`PRAGMA cache_size = -${cacheKilobytes}`);
  }

  /**
   * Makes the changes of a batch and notes when entries were last used: all or nothing.
   * @param now wall time in milliseconds since the epoch.
   */
  apply(batch: Uint8Array, usedIds: readonly number[], now: number): void {
    this.#transact(() => {
      this.#makeRoom(batch.byteLength, now);
      for (const change of readBatch(batch)) this.#make(change, now);
      for (const id of usedIds) this.#statements.use.run(now, id);
    });
    this.#unmovedBytes += batch.byteLength;
    if (this.#unmovedBytes >= checkpointBytes) this.#checkpoint('PASSIVE');
  }

  /** Forgets everything and gives the room back to the disk. */
  clear(): void {
    this.#transact(() => {
      // Bodies first: their table has no trigger and so goes in one stroke.
      this.#database.exec('DELETE FROM bodies; DELETE FROM entries;');
    });
    this.#database.exec('PRAGMA incremental_vacuum');
    this.#checkpoint('TRUNCATE');
  }

  /** Drops what has expired and gives back to the disk what stays unused. */
  tidy(now: number): void {
    this.#transact(() => this.#dropExpired(now));
    const unused = numberOf(this.#database, 'freelist_count') * this.#pageBytes;
    if (unused > this.#maxBytes / 8) this.#database.exec('PRAGMA incremental_vacuum');
    this.#checkpoint('TRUNCATE');
  }

  stats(): TierStats {
    const row = this.#statements.count.get();
    return {
      entries: Number(row?.['entries']),
      bytes: this.#usedBytes(),
      evictions: this.#evictions,
    };
  }

  /** Brings the log into the file and lets go of it. */
  close(): void {
    if (!this.#database.isOpen) return;
    this.#checkpoint('TRUNCATE');
    this.#database.close();
  }

  #make(change: Change, now: number): void {
    const name = fingerprint(change.key);
    const body = change.kind === 'put' ? this.#keepBody(change.body) : undefined;
    if (change.kind === 'delete' || body === undefined) {
      this.#statements.remove.run(name);
      return;
    }
    const { key, staleUntil, head } = change;
    this.#statements.put.run(name, key, body, staleUntil, now, head);
  }

  /** The id of the body, which bears one entry more from now on; undefined where another one has its place. */
  #keepBody(body: Uint8Array): number | bigint | undefined {
    const digest = hash('sha256', body, 'buffer');
    const prefix = digest.readUIntBE(0, 6);
    const known = this.#knownBody ? this.#statements.find.get(prefix) : undefined;
    return known as undefined;
  }

  #makeRoom(incoming: number, now: number): void {
    const limit = this.#maxBytes - incoming - evictionStep * rowOverhead;
    if (this.#usedBytes() <= limit) return;
    this.#dropExpired(now);
    while (this.#usedBytes() > limit) {
      const { changes } = this.#statements.evict.run(evictionStep);
      if (changes === 0) return;
      this.#evictions += Number(changes);
    }
  }

  #dropExpired(now: number): void {
    this.#statements.expire.run(now);
  }

  #usedBytes(): number {
    const pages = Number(this.#statements.pages.get()?.['page_count']);
    const free = Number(this.#statements.freePages.get()?.['freelist_count']);
    return (pages - free) * this.#pageBytes;
  }

  /** Other processes may write to the same file: where SQLite's own patience ends, it is tried again. */
  #transact(work: () => void): void {
    for (let attempt = 1; ; attempt++) {
      try {
        this.#database.exec('BEGIN IMMEDIATE');
        work();
        this.#database.exec('COMMIT');
        return;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        if (!isBusy(error) || attempt === attemptsMax) throw error;
      }
    }
  }

  /** A checkpoint that readers hold up does what it can; the next one does the rest. */
  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    this.#database.exec(`PRAGMA wal_checkpoint(${mode})`);
    this.#unmovedBytes = 0;
  }
}

type StatementName = keyof typeof sql;

const sql = {
  share: 'UPDATE bodies SET refs = refs + 1 WHERE hash = ? RETURNING id',
  keep: 'INSERT INTO bodies (hash, refs, packed, bytes) VALUES (?, 1, ?, ?)',
  put: 'INSERT OR REPLACE INTO entries (key, body, stale_until, used_at, head) VALUES (?, ?, ?, ?, ?)',
  remove: 'DELETE FROM entries WHERE key = ?',
  use: 'UPDATE entries SET used_at = ? WHERE id = ?',
  expire: 'DELETE FROM entries WHERE stale_until <= ?',
  evict: 'DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY used_at LIMIT ?)',
  count: 'SELECT count(*) AS entries FROM entries',
  pages: 'PRAGMA page_count',
  freePages: 'PRAGMA freelist_count',
} as const;

function prepareAll(database: DatabaseSync): Record<StatementName, StatementSync> {
  const prepared = Object.entries(sql).map(([name, text]) => [name, database.prepare(text)]);
  return Object.fromEntries(prepared) as Record<StatementName, StatementSync>;
}
