/** Copies the log of the budget file into the file, each time it is told to; a thread of its own, since that waits for the disk. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { goBehindOthers } from '../../kernel/background-thread.ts';

const { path } = workerData as { readonly path: string };
goBehindOthers('behind');
const database = new DatabaseSync(path, { timeout: 20 });
database.exec('PRAGMA synchronous = NORMAL');
// In nobody's way; copies all but what is written meanwhile.
const copyMost = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
// Keeps writers out while it copies the little that is left: only then can the log begin anew. They try again without waiting in their place.
const copyRest = database.prepare('PRAGMA wal_checkpoint(RESTART)');

parentPort!.on('message', () => {
  try {
    copyMost.all();
    copyRest.all();
  } catch {
    // Another process is at it, or the disk is full; then the next commit of a full log says so.
  }
  parentPort!.postMessage('done', []);
});
