import { parentPort, workerData } from 'node:worker_threads';
import { goBehindOthers } from '../../kernel/background-thread.ts';
import { JournalDrain } from './journal-drain.ts';
import { LedgerDatabase } from './sqlite-database.ts';
import type { QuestionName, Questions, WriterNews, WriterTask } from './sqlite-messages.ts';

/**
 * The worker of the ledger: it alone touches the database, so that neither inserts nor checkpoints of the write-ahead log (up to 8
 * milliseconds) nor reports ever hold up a call.
 */
const { path } = workerData as { readonly path: string };
const port = parentPort!;

goBehindOthers('behind'); // rows must not come faster than it books them

/** Deleted in one go; others can write between two. */
const deletionStep = 1000;

let opened: { readonly database: LedgerDatabase; readonly drain: JournalDrain } | undefined;

function open(): { readonly database: LedgerDatabase; readonly drain: JournalDrain } {
  if (opened === undefined) {
    const database = new LedgerDatabase({ path });
    opened = { database, drain: new JournalDrain(database) };
  }
  return opened;
}

function tell(news: WriterNews): void {
  port.postMessage(news, []);
}

function attempt(operation: string, task: () => void): void {
  try {
    task();
  } catch (error) {
    tell({ kind: 'failed', operation, error: error as Error });
  }
}

function forget(before: number): void {
  attempt('retention', () => {
    if (open().database.deleteBefore(before, deletionStep) === deletionStep) {
      setImmediate(forget, before);
    }
  });
}

const answers: {
  [Name in QuestionName]: (ask: Questions[Name]['ask']) => Questions[Name]['answer'];
} = {
  flush() {
    tell({ kind: 'booked', ...open().drain.drain() });
    return undefined;
  },
  report: (query) => open().database.report(query),
  spend: (query) => open().database.spend(query),
  charges: (ids) => open().database.charges(ids),
  recent: (limit) => open().database.recent(limit),
};

port.on('message', (task: WriterTask) => {
  switch (task.kind) {
    case 'book':
      attempt('book', () => {
        const { drain } = open();
        for (const segment of task.segments) drain.add(segment);
        tell({ kind: 'booked', ...drain.drain() });
      });
      break;
    case 'forget':
      forget(task.before);
      break;
    case 'ask':
      try {
        tell({ kind: 'answer', id: task.id, answer: answers[task.name](task.ask as never) });
      } catch (error) {
        tell({ kind: 'refusal', id: task.id, error: error as Error });
      }
      break;
    case 'close':
      opened?.database.close();
      port.close();
      break;
  }
});
