import { appendFile, readFile, rename, stat } from 'node:fs/promises';
import type { Signals } from '../../kernel/signals.ts';
import type { Decision, DecisionJournal } from './decisions.ts';

export interface JournalFileOptions {
  /** `decisions.jsonl` in the data directory; the one before it is `decisions.jsonl.1`, and so on. */
  readonly path: string;
  readonly signals: Signals;
  /** When a file has so many bytes, a new one is begun. */
  readonly maxBytes?: number;
  /** Files that are kept beside the one that is written. */
  readonly kept?: number;
}

/** Decisions that wait for a slow disk at most; later ones are not written then. */
const waitingMax = 1000;

/** The journal as JSON lines that are only ever appended, bounded by rotation. Several processes may write one. */
export function createJournalFile(options: JournalFileOptions): DecisionJournal {
  const { path, signals, maxBytes = 1024 * 1024, kept = 3 } = options;
  let waiting: string[] = [];
  let writing: Promise<void> | undefined;
  let failing = false;

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting.join('');
      waiting = [];
      try {
        await rotate(path, maxBytes, kept);
        await appendFile(path, lines, { mode: 0o600 });
        if (failing) signals.emit('part-healed', { part: 'decisions' });
        failing = false;
      } catch (error) {
        failing = true;
        signals.emit('part-failed', { part: 'decisions', operation: 'append', error });
      }
    }
    writing = undefined;
  };
  return {
    record(decision) {
      if (waiting.length >= waitingMax) return;
      waiting.push(`${JSON.stringify(decision)}\n`);
      writing ??= writeAll();
    },
    async recent(count) {
      await writing;
      return readDecisions(path, count);
    },
    async close() {
      await writing;
    },
  };
}

/** The last decisions of a journal, the newest last. A line that was torn by a crash is passed over. */
export async function readDecisions(path: string, count: number): Promise<readonly Decision[]> {
  const now = await textOf(path);
  const lines = now.split('\n');
  const text = lines.length > count ? now : (await textOf(`${path}.1`)) + now;
  const decisions: Decision[] = [];
  for (const line of text.split('\n').slice(-count - 1)) {
    try {
      if (line !== '') decisions.push(JSON.parse(line) as Decision);
    } catch {
      continue;
    }
  }
  return decisions.slice(-count);
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}

async function rotate(path: string, maxBytes: number, kept: number): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size < maxBytes) return;
  for (let index = kept; index > 0; index--) {
    const from = index === 1 ? path : `${path}.${index - 1}`;
    await rename(from, `${path}.${index}`).catch((error: NodeJS.ErrnoException) => {
      // Another process may have done it a moment before.
      if (error.code !== 'ENOENT') throw error;
    });
  }
}
