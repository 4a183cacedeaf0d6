/** Copies the log of the budget file into the file, each time it is told to; a thread of its own, since that waits for the disk. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { goBehindOthers } from '../../kernel/background-thread.ts';

const { path } = workerData as { readonly path: string };
goBehindOthers('behind');
const database = new DatabaseSync(path, { timeout: 0 });
database.exec('PRAGMA synchronous = NORMAL');
// A passive checkpoint is in nobody's way, and does what it can.
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort!.on('message', () => {
  try {
    checkpoint.all();
  } catch {
    // Another process is at it, or the disk is full; then the next commit of a full log says so.
  }
  parentPort!.postMessage('done', []);
});
