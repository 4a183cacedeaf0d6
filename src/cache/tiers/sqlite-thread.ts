import { Worker } from 'node:worker_threads';
import { EconomizerError } from '../../kernel/errors.ts';
import type { SqliteStoreOptions } from './sqlite-store.ts';
import type { WriterReply, WriterRequest, WriterTask } from './sqlite-writer.ts';

interface Waiting {
  resolve(reply: WriterReply): void;
  reject(error: Error): void;
}

/** The ending of this very file: `.ts` in a checkout, `.js` in the package. */
const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

/**
 * This side of the writer thread. The thread does not keep the process alive, but while somebody waits in `hold`. One that
 * dies is started again with the next task.
 */
export class WriterThread {
  readonly #options: SqliteStoreOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #serial = 0;
  #holds = 0;

  constructor(options: SqliteStoreOptions) {
    this.#options = options;
    this.#worker = this.#start();
  }

  /** @throws EconomizerError `ECO_CACHE_CORRUPT` or `ECO_CACHE_WRITE` when the task failed; nothing of it was done then. */
  async ask(task: WriterTask): Promise<WriterReply> {
    const serial = ++this.#serial;
    const { promise, resolve, reject } = Promise.withResolvers<WriterReply>();
    this.#waiting.set(serial, { resolve, reject });
    this.#worker ??= this.#start();
    const request: WriterRequest = { serial, task };
    this.#worker.postMessage(request, task.kind === 'apply' ? [task.batch.buffer] : []);
    const reply = await promise;
    if (reply.failure !== undefined) throw failed(reply.failure.message, reply.failure.corrupt);
    return reply;
  }

  /** Keeps the process alive until `promise` settles. */
  async hold<Value>(promise: Promise<Value>): Promise<Value> {
    if (this.#holds++ === 0) this.#worker?.ref();
    try {
      return await promise;
    } finally {
      if (--this.#holds === 0) this.#worker?.unref();
    }
  }

  /** Ends the thread, whatever it is at; what it was asked fails. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#lose(worker, 'it was stopped');
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL(`./sqlite-writer${ending}`, import.meta.url), {
      name: 'economizer-cache-writer',
      workerData: this.#options,
      // The flags of a test runner or a debugger are not meant for it.
      execArgv: [],
    });
    worker.on('message', (reply: WriterReply) => {
      this.#waiting.get(reply.serial)?.resolve(reply);
      this.#waiting.delete(reply.serial);
    });
    worker.on('error', (error) => this.#lose(worker, error.message));
    worker.on('exit', (code) => this.#lose(worker, `it ended with code ${code}`));
    if (this.#holds === 0) worker.unref();
    return worker;
  }

  #lose(worker: Worker | undefined, reason: string): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) each.reject(failed(`The writer thread is gone: ${reason}`, false));
  }
}

function failed(reason: string, corrupt: boolean): EconomizerError {
  return corrupt
    ? new EconomizerError('ECO_CACHE_CORRUPT', `The cache file is damaged: ${reason}.`)
    : new EconomizerError('ECO_CACHE_WRITE', `The cache file cannot be written: ${reason}.`);
}
