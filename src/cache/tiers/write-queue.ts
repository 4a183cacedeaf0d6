import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { packEntry, unpackEntry } from '../answer-codec.ts';
import type { Purged } from '../invalidation/purge-table.ts';
import type { CacheEntry, TierStats } from '../tier.ts';
import { BatchWriter } from './sqlite-batch.ts';
import type { WriterReply, WriterTask } from './sqlite-writer.ts';

const flushAfterMs = 50;
const tidyAfterMs = 5000;
/** A batch is packed in one go, while calls wait: some hundreds of microseconds. */
const batchChangesMax = 128;
const batchBytesMax = 512 * 1024;
/** Answers that wait to be written, in bytes; beyond it new ones are not kept. */
export const queueBytesMax = 16 * 1024 * 1024;
/** Reads to be noted in one batch; more of them tell the eviction nothing that it misses. */
const usedIdsMax = 10_000;

/** Does what it is told in the order in which it is told: a thread beside a file, or a connection to a server. */
export interface Writer {
  /** @throws EconomizerError when the task failed; nothing of it was done then. */
  ask(task: WriterTask): Promise<WriterReply>;
  /** Keeps the process alive until `promise` settles. */
  hold<Value>(promise: Promise<Value>): Promise<Value>;
  /** Ends at once. */
  stop(): Promise<void>;
}

export interface WriteQueueOptions {
  readonly thread: Writer;
  readonly clock: Clock;
  readonly maxBytes: number;
  /** What it is that writes, for errors. */
  readonly what: string;
  /** Writing failed, or answers are dropped since it is too slow. Told once until it works again. */
  readonly onFailure: (operation: string, error: EconomizerError) => void;
  readonly onHealed: () => void;
}

/** A change that is not in the file yet; `packed` is undefined for a deletion. */
interface Pending {
  readonly key: string;
  readonly staleUntil: number;
  readonly packed: Buffer | undefined;
}

/**
 * Collects changes for the writer thread, and knows what is under way until it is written. One batch is with the thread at a time: how
 * fast it takes them is how fast they are made, so that a flood of answers costs the calls no more than the list that it waits in.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  /** The last change to each key. */
  readonly #pending = new Map<string, Pending>();
  #changes: Pending[] = [];
  #bytes = 0;
  #usedIds: number[] = [];
  #flight: Promise<void> | undefined;
  #room: ArrayBuffer | undefined;
  #clearings = 0;
  #failing = false;
  #cancelFlush: (() => void) | undefined;
  #cancelTidy: (() => void) | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** True while what the file holds is about to be cleared and so must not be read. */
  get isClearing(): boolean {
    return this.#clearings > 0;
  }

  /** What the file will hold for this key: `null` for nothing; undefined if no change to it is under way. */
  pending(key: string): CacheEntry | null | undefined {
    const change = this.#pending.get(key);
    if (change === undefined) return undefined;
    return change.packed === undefined ? null : unpackEntry(key, change.packed);
  }

  /** False where too many wait already: the entry is not kept then. */
  put(entry: CacheEntry): boolean {
    const { final, frames } = entry.answer;
    if (this.#bytes + final.byteLength + (frames?.byteLength ?? 0) > queueBytesMax) {
      // An error costs its stack trace: in a flood, only the first is made.
      if (!this.#failing) this.#fail('set', overload(this.#options.what));
      return false;
    }
    this.#add({ key: entry.key, staleUntil: entry.staleUntil, packed: packEntry(entry) });
    return true;
  }

  delete(key: string): void {
    this.#add({ key, staleUntil: 0, packed: undefined });
  }

  /** Notes that the row was read. */
  used(id: number): void {
    if (this.#usedIds.length >= usedIdsMax) return;
    this.#usedIds.push(id);
    this.#schedule();
  }

  /** Resolves when every change so far is in the file. @throws EconomizerError where one of them could not be written. */
  async flush(): Promise<void> {
    await this.#options.thread.hold(this.#drain());
  }

  async clear(): Promise<void> {
    this.#forget();
    this.#clearings++;
    try {
      await this.#options.thread.hold(this.#options.thread.ask({ kind: 'clear' }));
    } finally {
      this.#clearings--;
    }
  }

  /** The file holds other names than ours: other processes write to it too. Asks the thread to look. */
  catchUp(): void {
    this.#options.thread.ask({ kind: 'catch-up' }).catch((error: unknown) => {
      this.#fail('catch-up', EconomizerError.from(error));
    });
  }

  /** Counts what was purged among all that is written or waits, and removes it where asked to, some rows at a time. */
  async sweep(purges: readonly Purged[], remove: boolean): Promise<number> {
    const { thread } = this.#options;
    await this.flush();
    let meant = 0;
    for (let after: number | undefined = 0; after !== undefined;) {
      const reply: WriterReply = await thread.hold(
        thread.ask({ kind: 'sweep', purges, remove, after }),
      );
      const { swept } = reply;
      meant += swept?.meant ?? 0;
      after = swept?.last;
    }
    return meant;
  }

  async stats(): Promise<TierStats> {
    const { thread } = this.#options;
    // What could not be written has been told of, and is not in the file: the count is right without it.
    await this.flush().catch(() => {});
    const { stats } = await thread.hold(thread.ask({ kind: 'stats' }));
    return stats ?? { entries: 0, bytes: 0, evictions: 0 };
  }

  /** Writes what is left, and ends the thread. */
  async close(): Promise<void> {
    const { thread } = this.#options;
    try {
      await this.flush();
      await thread.hold(thread.ask({ kind: 'close' }));
    } finally {
      await this.abandon();
    }
  }

  /** Ends the thread at once and forgets what was not written. */
  async abandon(): Promise<void> {
    this.#cancelFlush?.();
    this.#cancelTidy?.();
    this.#forget();
    this.#failing = true;
    await this.#options.thread.stop();
  }

  #add(change: Pending): void {
    this.#changes.push(change);
    this.#pending.set(change.key, change);
    this.#bytes += sizeOf(change);
    if (this.#changes.length >= batchChangesMax || this.#bytes >= this.#batchBytesMax) {
      this.#send();
    } else this.#schedule();
  }

  get #batchBytesMax(): number {
    return Math.min(batchBytesMax, this.#options.maxBytes / 8);
  }

  #schedule(): void {
    this.#cancelFlush ??= this.#options.clock.after(flushAfterMs, () => this.#send());
  }

  /** Gives the thread a batch, unless it has one. */
  #send(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    const isIdle = this.#flight === undefined;
    if (!isIdle || (this.#changes.length === 0 && this.#usedIds.length === 0)) return;
    const flight = this.#fly(this.#takeBatch());
    this.#flight = flight;
    // `flush` tells those who wait; the signal has told everybody else.
    flight.catch(() => {});
    this.#scheduleTidy();
  }

  async #drain(): Promise<void> {
    while (this.#flight !== undefined || this.#changes.length > 0 || this.#usedIds.length > 0) {
      this.#send();
      await this.#flight;
    }
  }

  /** The oldest changes, as many as make a batch. */
  #takeBatch(): readonly Pending[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#changes.length && count < batchChangesMax && bytes < this.#batchBytesMax) {
      bytes += sizeOf(this.#changes[count++]!);
    }
    const batch = count === this.#changes.length ? this.#changes : this.#changes.slice(0, count);
    this.#changes = count === this.#changes.length ? [] : this.#changes.slice(count);
    return batch;
  }

  async #fly(changes: readonly Pending[]): Promise<void> {
    const { clock, thread } = this.#options;
    const usedIds = this.#usedIds;
    this.#usedIds = [];
    try {
      const batch = this.#packed(changes);
      const { room } = await thread.ask({ kind: 'apply', batch, usedIds, now: clock.now() });
      this.#room = room;
      this.#heal();
    } catch (error) {
      this.#fail('set', EconomizerError.from(error));
      throw error;
    } finally {
      for (const change of changes) this.#settle(change);
      this.#flight = undefined;
      if (this.#changes.length >= batchChangesMax || this.#bytes >= this.#batchBytesMax) {
        this.#send();
      } else if (this.#changes.length > 0) this.#schedule();
    }
  }

  /** What a later change to the same key has overtaken is left out. */
  #packed(changes: readonly Pending[]): Uint8Array<ArrayBuffer> {
    const writer = new BatchWriter(this.#room);
    this.#room = undefined;
    for (const change of changes) {
      if (this.#pending.get(change.key) !== change) continue;
      const { key, staleUntil, packed } = change;
      if (packed === undefined) writer.delete(key);
      else writer.put(key, staleUntil, packed);
    }
    return writer.finish();
  }

  #settle(change: Pending): void {
    this.#bytes -= sizeOf(change);
    if (this.#pending.get(change.key) === change) this.#pending.delete(change.key);
  }

  #forget(): void {
    // What is with the thread is settled when it answers.
    for (const change of this.#changes) this.#settle(change);
    this.#changes = [];
    this.#pending.clear();
  }

  #scheduleTidy(): void {
    this.#cancelTidy ??= this.#options.clock.after(tidyAfterMs, () => {
      this.#cancelTidy = undefined;
      const { thread, clock } = this.#options;
      thread.ask({ kind: 'tidy', now: clock.now() }).catch((error: unknown) => {
        this.#fail('tidy', EconomizerError.from(error));
      });
    });
  }

  #fail(operation: string, error: EconomizerError): void {
    const isNews = !this.#failing || error.code === 'ECO_CACHE_CORRUPT';
    if (isNews) this.#options.onFailure(operation, error);
    this.#failing = true;
  }

  #heal(): void {
    // Not before half of the queue is free, else a crowded one would fall ill and heal with every batch.
    if (!this.#failing || this.#bytes > queueBytesMax / 2) return;
    this.#failing = false;
    this.#options.onHealed();
  }
}

/** What a waiting change takes beside its bytes, about. */
const overheadBytes = 512;

function sizeOf({ packed }: Pending): number {
  return overheadBytes + (packed?.byteLength ?? 0);
}

function overload(what: string): EconomizerError {
  const text = `Answers come faster than ${what} takes them; new ones are not kept there for now.`;
  return new EconomizerError('ECO_CACHE_OVERLOAD', text);
}
