import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import { isCorruption, moveAside } from '../tiers/sqlite-file.ts';
import { nextVersion, purgedAt, type PurgeOrder, type PurgeStore } from './purge-store.ts';
import { everyTenant, everything, type Purged } from './purge-table.ts';

export interface SqlitePurgesOptions {
  /** The file; its folder is made where it is missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** A store that other processes write to: `economizer purge` beside a running gateway. */
export interface SqlitePurges extends PurgeStore {
  load(): readonly Purged[];
  add(orders: readonly PurgeOrder[], known: number, now: number): readonly Purged[];
  keep(lines: readonly Purged[], folded?: readonly Purged[]): void;
  close(): void;
  /** True once after another process has written; a look at a page in memory, some microseconds. */
  changed(): boolean;
}

const openTimeoutMs = 2000;

const schema = `
  CREATE TABLE IF NOT EXISTS purges (
    tenant TEXT NOT NULL,
    selector TEXT NOT NULL,
    hard REAL NOT NULL,
    hard_before REAL NOT NULL,
    soft REAL NOT NULL,
    soft_before REAL NOT NULL,
    soft_before_at REAL NOT NULL,
    PRIMARY KEY (tenant, selector)
  ) WITHOUT ROWID;
`;

const sql = {
  load: 'SELECT * FROM purges',
  version: 'SELECT max(max(hard), max(soft), max(soft_before_at)) AS version FROM purges',
  put: `INSERT INTO purges VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET hard = max(hard, excluded.hard), hard_before = max(hard_before, excluded.hard_before),
      soft = max(soft, excluded.soft), soft_before = max(soft_before, excluded.soft_before),
      soft_before_at = max(soft_before_at, excluded.soft_before_at)`,
  drop: 'DELETE FROM purges WHERE tenant = ? AND selector = ?',
} as const;

/**
 * The purges of an installation in a small file beside its cache. A file that is damaged is moved aside, and everything counts as purged:
 * what it said is not known any more, and nothing that was purged may come back.
 * @throws EconomizerError `ECO_CACHE_FILE` if the file cannot be opened or made.
 */
export function createSqlitePurges(options: SqlitePurgesOptions): SqlitePurges {
  const { path, clock, signals } = options;
  try {
    return new PurgeFile(path);
  } catch (error) {
    if (!isCorruption(error)) throw unopened(path, error);
    const aside = moveAside(path, clock.now());
    const file = new PurgeFile(path);
    const all = { tenant: everyTenant, selector: everything, soft: false, before: undefined };
    file.add([all], 0, clock.now());
    signals.emit('part-failed', { part: 'cache.purges', operation: 'open', error });
    signals.emit('notice', {
      text: `The file of cache purges was damaged; it is now ${aside ?? 'gone'}, and all stored answers count as purged.`,
    });
    return file;
  }
}

class PurgeFile implements SqlitePurges {
  readonly #database: DatabaseSync;
  readonly #statements: Record<keyof typeof sql, StatementSync>;
  readonly #version: StatementSync;
  #foreign: number;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    this.#database = new DatabaseSync(path, { timeout: openTimeoutMs });
    try {
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      this.#database.exec(schema);
      const prepared = Object.entries(sql).map(([name, text]) => [
        name,
        this.#database.prepare(text),
      ]);
      this.#statements = Object.fromEntries(prepared) as Record<keyof typeof sql, StatementSync>;
      this.#version = this.#database.prepare('PRAGMA data_version');
      this.#foreign = this.#dataVersion();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  changed(): boolean {
    const version = this.#dataVersion();
    const changed = version !== this.#foreign;
    this.#foreign = version;
    return changed;
  }

  load(): readonly Purged[] {
    return this.#statements.load.all().map((row) => ({
      tenant: String(row['tenant']),
      selector: String(row['selector']),
      mark: {
        hard: Number(row['hard']),
        hardBefore: Number(row['hard_before']),
        soft: Number(row['soft']),
        softBefore: Number(row['soft_before']),
        softBeforeAt: Number(row['soft_before_at']),
      },
    }));
  }

  add(orders: readonly PurgeOrder[], known: number, now: number): readonly Purged[] {
    return this.#transact(() => {
      const stored = Number(this.#statements.version.get()?.['version'] ?? 0);
      const version = nextVersion(stored, known, now);
      const lines = orders.map((order) => purgedAt(order, version));
      for (const line of lines) this.#put(line);
      return lines;
    });
  }

  keep(lines: readonly Purged[], folded: readonly Purged[] = []): void {
    this.#transact(() => {
      for (const line of lines) this.#put(line);
      for (const { tenant, selector } of folded) this.#statements.drop.run(tenant, selector);
    });
  }

  close(): void {
    this.#database.close();
  }

  #put({ tenant, selector, mark }: Purged): void {
    const { hard, hardBefore, soft, softBefore, softBeforeAt } = mark;
    this.#statements.put.run(tenant, selector, hard, hardBefore, soft, softBefore, softBeforeAt);
  }

  #dataVersion(): number {
    return Number(this.#version.get()?.['data_version']);
  }

  #transact<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function unopened(path: string, cause: unknown): EconomizerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `The file of cache purges ${path} cannot be opened: ${reason}. Give access to it, or to its folder.`;
  return new EconomizerError('ECO_CACHE_FILE', message, { cause });
}
