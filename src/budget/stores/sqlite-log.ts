import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** Bytes of the log from which it is copied into the file. */
const enoughBytes = 1024 * 1024;

/** The build renames the file; an URL is not an import that it would rewrite. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-checkpoint.ts' : './sqlite-checkpoint.js',
  import.meta.url,
);

/** Keeps the write-ahead log of the budget file short, in a thread that begins when it is first needed. */
export class WriteAheadLog {
  readonly #path: string;
  #worker: Worker | undefined;
  #isBusy = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** To be called now and then; returns at once. */
  tend(): void {
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false });
    if (this.#isBusy || log === undefined || log.size < enoughBytes) return;
    this.#isBusy = true;
    this.#worker ??= this.#start();
    this.#worker.postMessage('copy', []);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(workerFile, {
      name: 'economizer-budget-checkpoint',
      workerData: { path: this.#path },
      execArgv: [],
    });
    worker.unref();
    worker.on('message', () => {
      this.#isBusy = false;
    });
    // Without it the log is copied by the process's own thread once it is long: slower for some calls, and right.
    worker.on('error', () => {
      this.#worker = undefined;
      this.#isBusy = false;
    });
    return worker;
  }
}
