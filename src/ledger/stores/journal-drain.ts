import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { pauseForOthers } from '../../kernel/background-thread.ts';
import type { Segment } from '../journal.ts';
import type { LedgerDatabase } from './sqlite-database.ts';

/** Some two hundred rows, a millisecond's work. */
const batchBytes = 64 * 1024;
const lineFeed = 0x0a;

interface Progress {
  segment: Segment;
  done: number;
}

/**
 * Takes journal segments into the database, in order, and deletes the finished ones. A failure leaves everything where it
 * was: the next `drain` goes on from there, and what was booked twice is ignored by its id.
 */
export class JournalDrain {
  readonly #database: LedgerDatabase;
  readonly #progress = new Map<string, Progress>();

  constructor(database: LedgerDatabase) {
    this.#database = database;
  }

  /** Makes a segment known, or that there is more of it. */
  add(segment: Segment): void {
    const known = this.#progress.get(segment.file);
    if (known === undefined) this.#progress.set(segment.file, { segment, done: 0 });
    else known.segment = segment;
  }

  /**
   * Books all that is known.
   * @returns the files deleted, and how many lines could not be read: of a process that was killed while it wrote, the last one.
   */
  drain(): { readonly finished: readonly string[]; readonly unreadable: number } {
    const finished: string[] = [];
    let unreadable = 0;
    for (const progress of this.#progress.values()) {
      unreadable += this.#book(progress);
      const { file, isFinished } = progress.segment;
      if (!isFinished) continue;
      rmSync(file, { force: true });
      this.#progress.delete(file);
      finished.push(file);
    }
    return { finished, unreadable };
  }

  #book(progress: Progress): number {
    let unreadable = 0;
    const { file, to } = progress.segment;
    if (progress.done >= to) return 0;
    const descriptor = openIfThere(file);
    // Another process that found the same leavings may have been faster.
    if (descriptor === undefined) return 0;
    try {
      for (let size = batchBytes; progress.done < to;) {
        const batch = readAt(descriptor, progress.done, Math.min(size, to - progress.done));
        const end = batch.lastIndexOf(lineFeed) + 1;
        const isLast = progress.done + batch.length >= to || batch.length === 0;
        if (end === 0 && !isLast) {
          size *= 2; // a line longer than the batch
          continue;
        }
        if (end > 0) unreadable += this.#database.insertLines(batch.toString('utf8', 0, end));
        if (isLast && end < batch.length) unreadable++; // torn: its call was never told that it is booked
        progress.done = isLast ? to : progress.done + end;
        if (!isLast) pauseForOthers();
      }
    } finally {
      closeSync(descriptor);
    }
    return unreadable;
  }
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function readAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
}
