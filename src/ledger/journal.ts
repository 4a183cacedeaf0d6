import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isHeld, takeLock, type OwnerLock } from './owner-lock.ts';

/** A stretch of the journal that is there to be read: the file up to `to`. */
export interface Segment {
  readonly file: string;
  /** Bytes from the file's beginning, at the end of a line. */
  readonly to: number;
  /** Nothing more will come; who has booked it all may delete the file. */
  readonly isFinished: boolean;
}

/** Where the journal of the ledger in this SQLite file lies. */
export function journalDirectory(path: string): string {
  return `${path}-journal.d`;
}

const segmentName = /^journal-v1-([\w-]+)-\d+\.jsonl$/;

/**
 * An append-only text in files of limited size. What `append` has taken survives the death of the process (not that of the
 * machine: a flush to disk would cost a hundred times as much as the call's row). Each process writes files of its own, under a lock
 * that tells others whether it still lives.
 */
export class Journal {
  readonly #directory: string;
  readonly #writer = `${process.pid}-${randomBytes(4).toString('hex')}`;
  readonly #segmentBytes: number;
  #lock: OwnerLock | undefined;
  #sequence = 0;
  #open: { readonly descriptor: number; readonly file: string; size: number } | undefined;

  constructor(options: { readonly directory: string; readonly segmentBytes: number }) {
    this.#directory = options.directory;
    this.#segmentBytes = options.segmentBytes;
  }

  /**
   * Adds whole lines. Throws what the file system throws; then nothing of them counts as written, and they may be given again.
   * @returns the segment that was finished on the way, if one was.
   */
  append(lines: string): Segment | undefined {
    const bytes = Buffer.from(lines);
    const open = (this.#open ??= this.#openNext());
    let written = 0;
    // At a position of our own, so that the torn rest of a write that failed is written over by the next.
    while (written < bytes.length) {
      written += writeSync(
        open.descriptor,
        bytes,
        written,
        bytes.length - written,
        open.size + written,
      );
    }
    open.size += bytes.length;
    return open.size >= this.#segmentBytes ? this.finish() : undefined;
  }

  /** What is written of the present segment; undefined where there is none. */
  present(): Segment | undefined {
    return this.#open && { file: this.#open.file, to: this.#open.size, isFinished: false };
  }

  /** Ends the present segment, where one has begun. */
  finish(): Segment | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    closeSync(open.descriptor);
    return { file: open.file, to: open.size, isFinished: true };
  }

  /** Ends the present segment and lets go of the lock, so that others may take over what is left. */
  close(): Segment | undefined {
    const finished = this.finish();
    this.#lock?.release();
    this.#lock = undefined;
    return finished;
  }

  #openNext(): { readonly descriptor: number; readonly file: string; size: number } {
    mkdirSync(this.#directory, { recursive: true });
    this.#lock ??= takeLock(lockPath(this.#directory, this.#writer));
    const file = join(this.#directory, `journal-v1-${this.#writer}-${this.#sequence++}.jsonl`);
    return { descriptor: openSync(file, 'wx'), file, size: 0 };
  }
}

/** The segments of processes that are gone, the oldest first. */
export function leftSegments(directory: string): readonly Segment[] {
  const isAlive = new Map<string, boolean>();
  return segmentFiles(directory).flatMap(({ file, writer }) => {
    const alive = isAlive.get(writer) ?? isHeld(lockPath(directory, writer));
    isAlive.set(writer, alive);
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    return alive || size === undefined ? [] : [{ file, to: size, isFinished: true }];
  });
}

interface SegmentFile {
  readonly file: string;
  readonly writer: string;
}

/** All segments, those of living processes too, the oldest first. */
export function segmentFiles(directory: string): readonly SegmentFile[] {
  return namesIn(directory)
    .flatMap((name) => {
      const writer = segmentName.exec(name)?.[1];
      const file = join(directory, name);
      // Their owner may delete a segment at any time.
      const since = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
      return writer === undefined || since === undefined ? [] : [{ file, writer, since }];
    })
    .sort((first, second) => first.since - second.since || first.file.localeCompare(second.file));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function lockPath(directory: string, writer: string): string {
  return join(directory, `journal-${writer}.lock`);
}
