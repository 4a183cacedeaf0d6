import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { Purged } from '../invalidation/purge-table.ts';
import type { CacheEntry, CacheTier, TierStats } from '../tier.ts';
import { fingerprint } from './fingerprint.ts';
import { KeyFilter } from './key-filter.ts';
import {
  corruptFile,
  isCorruption,
  moveAside,
  openCacheFile,
  type CacheFile,
} from './sqlite-file.ts';
import { WriteQueue } from './write-queue.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { WriterThread } from './sqlite-thread.ts';

export interface SqliteTierOptions {
  /** The file; its folder is made where it is missing. */
  readonly path: string;
  /** Bytes of the file; its write-ahead log may hold some 16 MB beside. An entry above an eighth of it is not kept. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** A tier that reads at once; what it was given is found from then on, and safe after `flush`. */
export interface SqliteTier extends CacheTier {
  get(key: string): CacheEntry | undefined;
  set(entry: CacheEntry): void;
}

const name = 'l3';
const part = `cache.${name}`;
/** A use is noted only where the last one noted is older, in milliseconds: reading must not mean writing. */
const useGrainMs = 300_000;
/** What the filter denies is looked up all the same where the last such look is older, in milliseconds: other processes may write to the file. */
const filterTrustMs = 100;

/**
 * The tier that survives a restart, `l3`: reads at once, writes in batches through a thread of its own. A file that is
 * damaged or not ours is moved aside and begun anew.
 * @throws EconomizerError `ECO_CACHE_FILE` if the file cannot be opened or made.
 */
export function createSqliteTier(options: SqliteTierOptions): SqliteTier {
  return new SqliteFileTier(options);
}

class SqliteFileTier implements SqliteTier {
  readonly name = name;
  readonly #options: SqliteTierOptions;
  #reader: SqliteReader | undefined;
  #queue: WriteQueue;
  #filter = new KeyFilter();
  #checkedAt = 0;
  #restart: Promise<void> | undefined;
  #closed = false;

  constructor(options: SqliteTierOptions) {
    this.#options = options;
    this.#reader = this.#openReader();
    this.#queue = this.#newQueue();
  }

  get(key: string): CacheEntry | undefined {
    const now = this.#options.clock.now();
    const pending = this.#queue.pending(key);
    if (pending !== undefined) {
      return pending !== null && pending.staleUntil > now ? pending : undefined;
    }
    return this.#queue.isClearing ? undefined : this.#read(key, now);
  }

  set(entry: CacheEntry): void {
    if (this.#reader === undefined) return;
    const { answer } = entry;
    const size = answer.final.byteLength + (answer.frames?.byteLength ?? 0);
    if (size <= this.#options.maxBytes / 8 && this.#queue.put(entry)) return;
    // The older answer must not outlive the newer, even if that is not kept.
    if (this.#mayHave(entry.key)) this.#queue.delete(entry.key);
  }

  #mayHave(key: string): boolean {
    return this.#queue.pending(key) !== undefined || this.#filter.mayHave(fingerprint(key));
  }

  /** Resolves when the entry is gone from the file too: whoever deletes wants to be sure. */
  async delete(key: string): Promise<boolean> {
    await this.#restart;
    const existed = this.get(key) !== undefined;
    this.#queue.delete(key);
    await this.#queue.flush();
    return existed;
  }

  async clear(): Promise<void> {
    // Not a turn later where nothing stands against it: what is set after this call must stay.
    if (this.#restart !== undefined) await this.#restart;
    await this.#queue.clear();
  }

  async sweep(
    purges: readonly Purged[],
    { remove }: { readonly remove: boolean },
  ): Promise<number> {
    await this.#restart;
    return this.#queue.sweep(purges, remove);
  }

  async stats(): Promise<TierStats> {
    await this.#restart;
    return this.#queue.stats();
  }

  async flush(): Promise<void> {
    await this.#restart;
    await this.#queue.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#restart;
    try {
      await this.#queue.close();
    } finally {
      this.#reader?.close();
      this.#reader = undefined;
    }
  }

  #read(key: string, now: number): CacheEntry | undefined {
    if (this.#isDenied(key, now)) return undefined;
    try {
      const found = this.#reader?.read(key, now);
      if (found?.kind === 'entry') {
        if (now - found.usedAt >= useGrainMs) this.#queue.used(found.id);
        return found.entry;
      }
      if (found?.kind === 'damaged') {
        this.#tell('get', corruptEntry(key));
        this.#queue.delete(key);
      }
      return undefined;
    } catch (error) {
      if (!isCorruption(error)) throw error;
      this.#beginAnew('get', corruptFile(this.#options.path, error));
      return undefined;
    }
  }

  /** Most questions are for what is not there, and to ask the file costs as much as all the rest of a lookup. */
  #isDenied(key: string, now: number): boolean {
    if (this.#filter.mayHave(fingerprint(key))) return false;
    if (now - this.#checkedAt < filterTrustMs && now >= this.#checkedAt) return true;
    this.#checkedAt = now;
    this.#queue.catchUp();
    return false;
  }

  #openReader(): SqliteReader {
    const { path, maxBytes, clock } = this.#options;
    let file: CacheFile;
    try {
      file = openCacheFile(path);
    } catch (error) {
      if (!EconomizerError.is(error) || error.code !== 'ECO_CACHE_CORRUPT') throw error;
      this.#tell('open', error);
      this.#tellWhere(moveAside(path, clock.now()));
      file = openCacheFile(path);
    }
    return new SqliteReader(file, maxBytes);
  }

  #newQueue(): WriteQueue {
    const { path, maxBytes, clock, signals } = this.#options;
    this.#filter = new KeyFilter();
    const thread = new WriterThread({ path, maxBytes, filter: this.#filter.shared });
    return new WriteQueue({
      thread,
      clock,
      maxBytes,
      what: 'the cache file',
      onFailure: (operation, error) => {
        if (error.code === 'ECO_CACHE_CORRUPT') this.#beginAnew(operation, error);
        else this.#tell(operation, error);
      },
      onHealed: () => signals.emit('part-healed', { part }),
    });
  }

  /** The damage shows only now: ends both connections, moves the file aside and opens a new one. All is a miss meanwhile. */
  #beginAnew(operation: string, error: EconomizerError): void {
    if (this.#restart !== undefined || this.#closed) return;
    this.#tell(operation, error);
    const inode = this.#reader?.inode;
    this.#reader?.close();
    this.#reader = undefined;
    const { path, clock } = this.#options;
    this.#restart = this.#queue
      .abandon()
      .then(() => {
        this.#tellWhere(moveAside(path, clock.now(), inode));
        this.#reader = this.#openReader();
        this.#queue = this.#newQueue();
      })
      .catch((error: unknown) => this.#tell('open', error))
      .finally(() => (this.#restart = undefined));
  }

  #tell(operation: string, error: unknown): void {
    this.#options.signals.emit('part-failed', { part, operation, error });
  }

  #tellWhere(aside: string | undefined): void {
    if (aside === undefined) return;
    const text = `The cache file was damaged or not ours; it is now ${aside}, and a new one was begun.`;
    this.#options.signals.emit('notice', { text });
  }
}

function corruptEntry(key: string): EconomizerError {
  return new EconomizerError(
    'ECO_CACHE_CORRUPT',
    `The stored answer ${key} is damaged; it was dropped.`,
  );
}
