import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { EconomizerError } from '../../kernel/errors.ts';
import { keyTaken, noKey, storeFault } from '../faults.ts';
import { recordText, storedKeyOf } from '../key-record.ts';
import type { KeyChanges, KeyName, KeyStore, StoredKey } from '../store.ts';

/** Another process may be writing a key, which takes some milliseconds. */
const busyTimeoutMs = 5000;
const schemaVersion = 1;

const schema = `
  CREATE TABLE IF NOT EXISTS keys (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    changed INTEGER NOT NULL UNIQUE,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
  ) WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`;

/** Keys in a SQLite file. The file is made with the first key; until then nothing is written. */
export function createSqliteKeyStore(options: { readonly path: string }): KeyStore {
  return new SqliteKeyStore(options.path);
}

interface Opened {
  readonly database: DatabaseSync;
  readonly changed: StatementSync;
  readonly inode: number;
}

class SqliteKeyStore implements KeyStore {
  readonly name = 'sqlite';
  readonly #path: string;
  #opened: Opened | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  changes(mark: number): KeyChanges {
    return this.#attempt(() => {
      const before = this.#opened;
      const opened = this.#openIfThere();
      if (opened === undefined) return { all: mark === 0, keys: [], mark };
      const all = opened !== before || mark === 0;
      const rows = opened.changed.all(all ? 0 : mark);
      return {
        all,
        keys: rows.map(({ record }) => storedKeyOf(record)),
        mark: (rows.at(-1)?.['changed'] as number | undefined) ?? (all ? 0 : mark),
      };
    });
  }

  list(): readonly StoredKey[] {
    return this.#attempt(() => {
      const rows = this.#openIfThere()
        ?.database.prepare('SELECT record FROM keys ORDER BY tenant, id')
        .all();
      return (rows ?? []).map(({ record }) => storedKeyOf(record));
    });
  }

  insert(key: StoredKey): void {
    this.#write((database) => {
      if (recordOf(database, key) !== undefined) throw keyTaken(key);
      put(database, key);
    });
  }

  update(name: KeyName, change: (key: StoredKey) => StoredKey): StoredKey {
    return this.#write((database) => {
      const record = recordOf(database, name);
      if (record === undefined) throw noKey(name);
      const changed = change(storedKeyOf(record));
      put(database, changed);
      return changed;
    });
  }

  close(): void {
    this.#opened?.database.close();
    this.#opened = undefined;
  }

  #write<Result>(act: (database: DatabaseSync) => Result): Result {
    return this.#attempt(() => {
      const { database } = this.#openIfThere() ?? this.#open();
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = act(database);
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #attempt<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (cause) {
      if (EconomizerError.is(cause)) throw cause;
      throw storeFault(
        `The keys in ${this.#path} cannot be read or written; see that the file is whole and that the disk has room.`,
        cause,
      );
    }
  }

  /** The file that is there now; undefined where there has been none. Another one may have been put in its place. */
  #openIfThere(): Opened | undefined {
    const inode = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) {
      if (this.#opened === undefined) return undefined;
      throw storeFault(`The file of the keys is gone (${this.#path}); put it back.`);
    }
    if (this.#opened?.inode === inode) return this.#opened;
    return this.#open();
  }

  #open(): Opened {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(this.#path, { timeout: busyTimeoutMs });
    try {
      prepare(database, this.#path);
      // There are only hashes in it, but whom they belong to is nobody's business.
      chmodSync(this.#path, 0o600);
      const changed = database.prepare(
        'SELECT changed, record FROM keys WHERE changed > ? ORDER BY changed',
      );
      this.close();
      this.#opened = { database, changed, inode: statSync(this.#path).ino };
      return this.#opened;
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

function prepare(database: DatabaseSync, path: string): void {
  // A revocation must outlast a power cut.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'] as number;
  if (version > schemaVersion) {
    throw storeFault(`The keys in ${path} were written by a newer Economizer; update this one.`);
  }
  database.exec(`${schema} COMMIT`);
}

function recordOf(database: DatabaseSync, { tenant, id }: KeyName): unknown {
  return database.prepare('SELECT record FROM keys WHERE tenant = ? AND id = ?').get(tenant, id)?.[
    'record'
  ];
}

/** Within a transaction: what changes later has the higher number, in all processes. */
function put(database: DatabaseSync, key: StoredKey): void {
  database
    .prepare(
      `INSERT OR REPLACE INTO keys (tenant, id, changed, record)
       VALUES (?, ?, (SELECT coalesce(max(changed), 0) + 1 FROM keys), ?)`,
    )
    .run(key.tenant, key.id, recordText(key));
}
