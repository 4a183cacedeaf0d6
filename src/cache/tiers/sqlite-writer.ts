import { parentPort, workerData } from 'node:worker_threads';
import type { Purged } from '../invalidation/purge-table.ts';
import type { TierStats } from '../tier.ts';
import { goBehindOthers } from '../../kernel/background-thread.ts';
import { isCorruption } from './sqlite-file.ts';
import { SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';

/** The writer thread: does what it is told in the order in which it is told, and answers each time. */

/** What the tier asks of the thread. Times are milliseconds since the epoch. */
export type WriterTask =
  | {
      readonly kind: 'apply';
      readonly batch: Uint8Array<ArrayBuffer>;
      /** Rows that were read. */
      readonly usedIds: readonly number[];
      readonly now: number;
    }
  | {
      readonly kind: 'sweep';
      readonly purges: readonly Purged[];
      readonly remove: boolean;
      /** The last row that was seen. */
      readonly after: number;
    }
  | { readonly kind: 'tidy'; readonly now: number }
  | { readonly kind: 'clear' | 'catch-up' | 'stats' | 'close' };

export interface WriterRequest {
  readonly serial: number;
  readonly task: WriterTask;
}

export interface WriterReply {
  readonly serial: number;
  readonly failure?: { readonly message: string; readonly corrupt: boolean };
  readonly stats?: TierStats;
  readonly swept?: { readonly meant: number; readonly last: number | undefined };
  /** The batch's memory, for the next one. */
  readonly room?: ArrayBuffer;
}

goBehindOthers('far-behind'); // what it cannot keep up with is only not remembered

let store: SqliteStore | undefined;

parentPort?.on('message', ({ serial, task }: WriterRequest) => {
  const room = task.kind === 'apply' ? task.batch.buffer : undefined;
  const reply: WriterReply = { serial, ...perform(task), ...(room === undefined ? {} : { room }) };
  parentPort?.postMessage(reply, room === undefined ? [] : [room]);
});

function perform(task: WriterTask): Omit<WriterReply, 'serial' | 'room'> {
  try {
    store ??= new SqliteStore(workerData as SqliteStoreOptions);
    switch (task.kind) {
      case 'apply':
        store.apply(task.batch, task.usedIds, task.now);
        break;
      case 'tidy':
        store.tidy(task.now);
        break;
      case 'sweep':
        return { swept: store.sweep(task.purges, task) };
      case 'clear':
        store.clear();
        break;
      case 'catch-up':
        store.catchUp();
        break;
      case 'stats':
        return { stats: store.stats() };
      case 'close':
        store.close();
        store = undefined;
        break;
    }
    return {};
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { failure: { message, corrupt: isCorruption(error) } };
  }
}
