import type { StatementSync } from 'node:sqlite';
import type { Bytes } from '../../exchange/stream.ts';
import { decodeEntry } from '../answer-codec.ts';
import type { CacheEntry } from '../tier.ts';
import { fingerprint } from './fingerprint.ts';
import { unpackBody } from './sqlite-body.ts';
import type { CacheFile } from './sqlite-file.ts';

/** While another process holds the file for itself, a read is rather a miss than a wait, in milliseconds. */
const readTimeoutMs = 2;
/** A read from mapped memory spares the copy into SQLite's own cache, a quarter of its time at 4 KB. */
const mappedBytesMax = 256 * 1024 * 1024;

/** What a read found; `damaged` where the row is there but its bytes are not what was written. */
export type ReadResult =
  | {
      readonly kind: 'entry';
      readonly entry: CacheEntry;
      readonly id: number;
      readonly usedAt: number;
    }
  | { readonly kind: 'nothing' | 'damaged' };

/** Id, key, time of expiry, time of last use, head, whether the body is packed, body. */
type Row = [number, string, number, number, Bytes, number, Bytes];

const nothing: ReadResult = { kind: 'nothing' };
const damaged: ReadResult = { kind: 'damaged' };

/** Reads from the cache file, on the thread that asks: a read is cheaper than a message to another thread. */
export class SqliteReader {
  readonly #file: CacheFile;
  readonly #select: StatementSync;
  readonly #bodyBytesMax: number;

  constructor(file: CacheFile, bodyBytesMax: number) {
    this.#file = file;
    this.#bodyBytesMax = bodyBytesMax;
    file.database.exec(`PRAGMA busy_timeout = ${readTimeoutMs}`);
    file.database.exec(`PRAGMA mmap_size = ${mappedBytesMax}`);
    this.#select = file.database.prepare(`
      SELECT e.id, e.key, e.stale_until, e.used_at, e.head, b.packed, b.bytes
      FROM entries e JOIN bodies b ON b.id = e.body WHERE e.name = ?
    `);
    this.#select.setReturnArrays(true);
  }

  get inode(): number {
    return this.#file.inode;
  }

  /** @param now wall time in milliseconds since the epoch. */
  read(key: string, now: number): ReadResult {
    const row = this.#select.get(fingerprint(key)) as unknown as Row | undefined;
    if (row === undefined) return nothing;
    const [id, rowKey, staleUntil, usedAt, head, packed, bytes] = row;
    if (rowKey !== key || staleUntil <= now) return nothing;
    let body: Bytes;
    try {
      body = unpackBody({ packed: packed === 1, bytes }, this.#bodyBytesMax);
    } catch {
      return damaged;
    }
    const entry = decodeEntry(key, head, body);
    return entry === undefined ? damaged : { kind: 'entry', entry, id, usedAt };
  }

  close(): void {
    this.#file.database.close();
  }
}
