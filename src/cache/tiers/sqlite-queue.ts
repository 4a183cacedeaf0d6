import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { encodeEntry } from '../answer-codec.ts';
import type { CacheEntry, TierStats } from '../tier.ts';
import { BatchWriter } from './sqlite-batch.ts';
import type { WriterThread } from './sqlite-thread.ts';

const flushAfterMs = 50;
const tidyAfterMs = 5000;
const batchChangesMax = 1024;
const batchBytesMax = 1024 * 1024;
/** Answers that wait to be written, in bytes; beyond it new ones are not kept. */
export const queueBytesMax = 32 * 1024 * 1024;
/** Reads to be noted in one batch; more of them tell the eviction nothing that it misses. */
const usedIdsMax = 10_000;

export interface WriteQueueOptions {
  readonly thread: WriterThread;
  readonly clock: Clock;
  readonly maxBytes: number;
  /** Writing failed, or answers are dropped since it is too slow. Told once until it works again. */
  readonly onFailure: (operation: string, error: EconomizerError) => void;
  readonly onHealed: () => void;
}

/** A change on its way; `entry` is undefined for a deletion. */
interface Pending {
  readonly entry: CacheEntry | undefined;
  readonly batch: Batch;
}

class Batch {
  readonly writer: BatchWriter;
  readonly keys: string[] = [];
  readonly usedIds: number[] = [];

  constructor(room: ArrayBuffer | undefined) {
    this.writer = new BatchWriter(room);
  }

  get isEmpty(): boolean {
    return this.keys.length === 0 && this.usedIds.length === 0;
  }
}

/** Collects changes into batches for the writer thread, and knows what is under way until it is written. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #flights = new Set<Promise<void>>();
  #batch = new Batch(undefined);
  #room: ArrayBuffer | undefined;
  #bytesInFlight = 0;
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

  /** The change to this key that is not in the file yet. */
  pending(key: string): Pending | undefined {
    return this.#pending.get(key);
  }

  put(entry: CacheEntry): void {
    const encoded = encodeEntry(entry);
    if (this.#bytesInFlight + this.#batch.writer.size > queueBytesMax) {
      this.#fail('set', overload());
      return;
    }
    this.#batch.writer.put(entry.key, entry.staleUntil, encoded);
    this.#added(entry.key, entry);
  }

  delete(key: string): void {
    this.#batch.writer.delete(key);
    this.#added(key, undefined);
  }

  /** Notes that the row was read. */
  used(id: number): void {
    if (this.#batch.usedIds.length >= usedIdsMax) return;
    this.#batch.usedIds.push(id);
    this.#schedule();
  }

  /** Resolves when every change so far is in the file. @throws EconomizerError where one of them could not be written. */
  async flush(): Promise<void> {
    this.#send();
    await this.#options.thread.hold(Promise.all(this.#flights));
  }

  async clear(): Promise<void> {
    this.#batch = new Batch(this.#room);
    this.#pending.clear();
    this.#clearings++;
    try {
      await this.#options.thread.hold(this.#options.thread.ask({ kind: 'clear' }));
    } finally {
      this.#clearings--;
    }
  }

  async stats(): Promise<TierStats> {
    this.#send();
    const { thread } = this.#options;
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
    this.#pending.clear();
    this.#failing = true;
    await this.#options.thread.stop();
  }

  #added(key: string, entry: CacheEntry | undefined): void {
    this.#batch.keys.push(key);
    this.#pending.set(key, { entry, batch: this.#batch });
    const { writer } = this.#batch;
    const bytesMax = Math.min(batchBytesMax, this.#options.maxBytes / 8);
    if (writer.changes >= batchChangesMax || writer.size >= bytesMax) this.#send();
    else this.#schedule();
  }

  #schedule(): void {
    this.#cancelFlush ??= this.#options.clock.after(flushAfterMs, () => this.#send());
  }

  #send(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    if (this.#batch.isEmpty) return;
    const batch = this.#batch;
    const room = this.#room;
    this.#room = undefined;
    this.#batch = new Batch(room);
    const flight = this.#fly(batch).finally(() => this.#flights.delete(flight));
    this.#flights.add(flight);
    // `flush` tells those who wait; the signal has told everybody else.
    flight.catch(() => {});
    this.#scheduleTidy();
  }

  async #fly(batch: Batch): Promise<void> {
    const bytes = batch.writer.finish();
    const size = bytes.byteLength;
    this.#bytesInFlight += size;
    try {
      const { clock, thread } = this.#options;
      const task = { batch: bytes, usedIds: batch.usedIds, now: clock.now() };
      const { room } = await thread.ask({ kind: 'apply', ...task });
      this.#room = room;
      this.#heal();
    } catch (error) {
      this.#fail('set', EconomizerError.from(error));
      throw error;
    } finally {
      this.#bytesInFlight -= size;
      for (const key of batch.keys) {
        if (this.#pending.get(key)?.batch === batch) this.#pending.delete(key);
      }
    }
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
    if (!this.#failing || this.#bytesInFlight > queueBytesMax / 2) return;
    this.#failing = false;
    this.#options.onHealed();
  }
}

function overload(): EconomizerError {
  const text = `Answers come faster than the cache file takes them; new ones are not kept for now.`;
  return new EconomizerError('ECO_CACHE_OVERLOAD', text);
}
