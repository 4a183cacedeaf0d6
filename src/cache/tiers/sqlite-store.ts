import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { labelsOf, sealEntry, storageOf, type EncodedEntry } from '../answer-codec.ts';
import { PurgeTable, type Purged } from '../invalidation/purge-table.ts';
import type { TierStats } from '../tier.ts';
import { fingerprint } from './fingerprint.ts';
import { KeyFilter } from './key-filter.ts';
import { readBatch, type Change } from './sqlite-batch.ts';
import { packBody } from './sqlite-body.ts';
import { connect, isBusy, numberOf } from './sqlite-file.ts';

/** Rows that leave in one statement. */
const evictionStep = 64;
/** Rows that one tidying looks through for what has expired. */
const sweepStep = 2000;
/** Payload between two checkpoints: a page that changes often is then copied into the file once. */
const checkpointBytes = 12 * 1024 * 1024;
/** Indexes are hit at random; with SQLite's own 2 MB a batch reads and writes their pages again and again. */
const cacheKilobytes = 16_000;
/** Each attempt waits as long as the connection's own time limit. */
const attemptsMax = 3;

export interface SqliteStoreOptions {
  readonly path: string;
  /** Bytes of the file, without its write-ahead log. */
  readonly maxBytes: number;
  /** Told of every name in the file, for whoever asks it before the file. */
  readonly filter: SharedArrayBuffer;
}

/** Everything that writes to the cache file; lives in the writer thread. */
export class SqliteStore {
  readonly #database: DatabaseSync;
  readonly #maxBytes: number;
  readonly #pageBytes: number;
  readonly #statements: Record<keyof typeof sql, StatementSync>;
  #evictions = 0;
  #uncheckedBytes = 0;
  #sweptId = 0;
  readonly #filter: KeyFilter;
  #filtered = 0;
  #filteredId = 0;
  #foreignVersion = -1;

  constructor({ path, maxBytes, filter }: SqliteStoreOptions) {
    this.#database = connect(path);
    this.#database.exec(`PRAGMA cache_size = -${cacheKilobytes}`);
    this.#maxBytes = maxBytes;
    this.#pageBytes = numberOf(this.#database, 'page_size');
    this.#statements = prepareAll(this.#database);
    this.#filter = new KeyFilter(filter);
    this.catchUp();
  }

  /** Tells the filter of what others have written; of what they wrote over an id that was free again only when it is rebuilt. */
  catchUp(): void {
    // SQLite's own word for "another connection has written"; ours does not change it.
    const version = numberOf(this.#database, 'data_version');
    if (version === this.#foreignVersion) return;
    this.#foreignVersion = version;
    const statement = this.#statements.names;
    if (this.#filteredId === 0) this.#filter.rebuild(this.#namesFrom(statement.iterate(0)));
    else
      for (const name of this.#namesFrom(statement.iterate(this.#filteredId)))
        this.#filter.add(name);
  }

  *#namesFrom(rows: Iterable<Record<string, unknown>>): Generator<number> {
    for (const { id, name } of rows) {
      this.#filteredId = id as number;
      this.#filtered++;
      yield name as number;
    }
  }

  /**
   * Makes the changes of a batch and notes which entries were used: all or nothing.
   * @param now wall time in milliseconds since the epoch.
   */
  apply(batch: Uint8Array, usedIds: readonly number[], now: number): void {
    this.#transact(() => {
      this.#makeRoom(batch.byteLength, now);
      for (const change of readBatch(batch)) this.#make(change, now);
      for (const id of usedIds) this.#statements.use.run(now, id);
    });
    this.#addToFilter(batch);
    this.#uncheckedBytes += batch.byteLength;
    if (this.#uncheckedBytes >= checkpointBytes) this.#checkpoint('PASSIVE');
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

  /** Drops some of what has expired, and gives back to the disk what would long stay unused. */
  tidy(now: number): void {
    this.#transact(() => this.#sweep(now));
    const unused = this.#numberFrom('freePages') * this.#pageBytes;
    if (unused > this.#maxBytes / 8) this.#database.exec('PRAGMA incremental_vacuum');
    this.#checkpoint('TRUNCATE');
  }

  /**
   * Counts, among the rows behind `after`, those that were purged, and removes them where asked to.
   * @returns the last row seen, undefined at the end.
   */
  sweep(
    purges: readonly Purged[],
    { remove, after }: { readonly remove: boolean; readonly after: number },
  ): { readonly meant: number; readonly last: number | undefined } {
    const table = new PurgeTable();
    table.merge(purges);
    const gone: number[] = [];
    let meant = 0;
    let last: number | undefined;
    let seen = 0;
    for (const { id, key, head } of this.#statements.labels.iterate(after, sweepStep)) {
      last = id as number;
      seen++;
      const labels = labelsOf(head as Uint8Array);
      const kind = labels && table.judge({ key: key as string, ...labels }).kind;
      if (kind !== undefined && kind !== 'kept') meant++;
      if (kind === 'gone' && remove) gone.push(last);
    }
    if (gone.length > 0) {
      this.#transact(() => {
        for (const id of gone) this.#statements.removeRow.run(id);
      });
    }
    return { meant, last: seen < sweepStep ? undefined : last };
  }

  stats(): TierStats {
    return {
      entries: this.#numberFrom('count'),
      bytes: this.#usedBytes(),
      evictions: this.#evictions,
      sharedBytesSaved: this.#numberFrom('saved'),
    };
  }

  /** Brings the log into the file and lets go of it. */
  close(): void {
    this.#checkpoint('TRUNCATE');
    this.#database.close();
  }

  /** Only what is committed: what is denied must be a miss in the file too. */
  #addToFilter(batch: Uint8Array): void {
    for (const change of readBatch(batch)) {
      if (change.kind === 'delete') continue;
      this.#filter.add(fingerprint(change.key));
      this.#filtered++;
    }
    if (this.#filtered <= 2 * KeyFilter.capacity) return;
    this.#filtered = 0;
    this.#filter.rebuild(this.#namesFrom(this.#statements.names.iterate(0)));
  }

  #make(change: Change, now: number): void {
    const name = fingerprint(change.key);
    const sealed = change.kind === 'put' ? sealEntry(change.packed) : undefined;
    const body = sealed === undefined ? undefined : this.#keepBody(sealed, change.key);
    if (change.kind === 'delete' || sealed === undefined || body === undefined) {
      this.#statements.remove.run(name);
      return;
    }
    const { key, staleUntil } = change;
    this.#statements.put.run(name, key, body, staleUntil, now, sealed.head);
  }

  /** The id of the body, which bears one entry more from now on; undefined where another body has its place. */
  #keepBody({ head, body }: EncodedEntry, key: string): number | bigint | undefined {
    const { plain, alone } = storageOf(head);
    // Under a name of its own no other entry finds it.
    const named = alone ? Buffer.concat([Buffer.from(`${key}\n`), body]) : body;
    const digest = hash('sha256', named, 'buffer');
    const prefix = digest.readUIntBE(0, 6);
    const { packed, bytes } = plain ? { packed: false, bytes: body } : packBody(body);
    // Tried first and asked afterwards: hardly any body is there already.
    const kept = this.#statements.keep.run(prefix, digest, packed ? 1 : 0, bytes);
    if (kept.changes !== 0) return kept.lastInsertRowid;
    return this.#statements.share.get(prefix, digest)?.['id'] as number | undefined;
  }

  #makeRoom(incoming: number, now: number): void {
    const limit = this.#maxBytes - incoming;
    if (this.#usedBytes() <= limit) return;
    this.#sweep(now);
    while (this.#usedBytes() > limit) {
      const { changes } = this.#statements.evict.run(evictionStep);
      if (changes === 0) return;
      this.#evictions += Number(changes);
    }
  }

  /** Goes round and round over all rows, some at a time: an index by expiry would cost each write what this costs none. */
  #sweep(now: number): void {
    const end = this.#statements.stepEnd.get(this.#sweptId, sweepStep)?.['id'];
    const last = typeof end === 'number' ? end : Number.MAX_SAFE_INTEGER;
    this.#statements.expire.run(this.#sweptId, last, now);
    this.#sweptId = typeof end === 'number' ? end : 0;
  }

  #usedBytes(): number {
    return (this.#numberFrom('pages') - this.#numberFrom('freePages')) * this.#pageBytes;
  }

  #numberFrom(name: 'pages' | 'freePages' | 'count' | 'saved'): number {
    return Number(Object.values(this.#statements[name].get() ?? {})[0]);
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

  /** A checkpoint that a reader holds up does what it can; the next one does the rest. */
  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    this.#database.exec(`PRAGMA wal_checkpoint(${mode})`);
    this.#uncheckedBytes = 0;
  }
}

const sql = {
  keep: 'INSERT OR IGNORE INTO bodies (prefix, hash, refs, packed, bytes) VALUES (?, ?, 1, ?, ?)',
  share: 'UPDATE bodies SET refs = refs + 1 WHERE prefix = ? AND hash = ? RETURNING id',
  put: 'INSERT OR REPLACE INTO entries (name, key, body, stale_until, used_at, head) VALUES (?, ?, ?, ?, ?, ?)',
  remove: 'DELETE FROM entries WHERE name = ?',
  use: 'UPDATE entries SET used_at = ? WHERE id = ?',
  stepEnd: 'SELECT id FROM entries WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?',
  expire: 'DELETE FROM entries WHERE id > ? AND id <= ? AND stale_until <= ?',
  evict: 'DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY used_at LIMIT ?)',
  count: 'SELECT count(*) FROM entries',
  saved: 'SELECT coalesce(sum((refs - 1) * length(bytes)), 0) FROM bodies WHERE refs > 1',
  labels: 'SELECT id, key, head FROM entries WHERE id > ? ORDER BY id LIMIT ?',
  removeRow: 'DELETE FROM entries WHERE id = ?',
  names: 'SELECT id, name FROM entries WHERE id > ?',
  pages: 'PRAGMA page_count',
  freePages: 'PRAGMA freelist_count',
} as const;

function prepareAll(database: DatabaseSync): Record<keyof typeof sql, StatementSync> {
  const prepared = Object.entries(sql).map(([name, text]) => [name, database.prepare(text)]);
  return Object.fromEntries(prepared) as Record<keyof typeof sql, StatementSync>;
}
