import { Worker } from 'node:worker_threads';
import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { Segment } from '../journal.ts';
import type { QuestionName, Questions, WriterNews, WriterTask } from './sqlite-messages.ts';

const retryMs = 1000;
/** The build renames the file; an URL is not an import that it would rewrite. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-writer.ts' : './sqlite-writer.js',
  import.meta.url,
);

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** The calling thread's end of the ledger's worker: hands it journal segments, and asks it questions. */
export class SqliteThread {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #signals: Signals;
  /** Segments that are not known to be booked to their end; a worker that failed gets them all again. */
  readonly #segments = new Map<string, Segment>();
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastQuestion = 0;
  #isFailing = false;
  #willRetry = false;
  #isClosed = false;

  constructor(options: {
    readonly path: string;
    readonly clock: Clock;
    readonly signals: Signals;
  }) {
    this.#path = options.path;
    this.#clock = options.clock;
    this.#signals = options.signals;
  }

  /** Has the segments booked, in their order; failures are signalled and tried again. */
  book(segments: readonly Segment[]): void {
    for (const segment of segments) this.#segments.set(segment.file, segment);
    this.#send({ kind: 'book', segments });
  }

  /** Deletes calls from before this time, in small steps. */
  forget(before: number): void {
    this.#send({ kind: 'forget', before });
  }

  /** @throws EconomizerError `ECO_LEDGER` if the database cannot be used. */
  ask<Name extends QuestionName>(
    name: Name,
    ask: Questions[Name]['ask'],
  ): Promise<Questions[Name]['answer']> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastQuestion;
      this.#waiting.set(id, { resolve, reject });
      this.#send({ kind: 'ask', id, name, ask });
      this.#worker?.ref(); // a process that waits for an answer must not end before it
    });
  }

  /** Resolves when the worker has ended. What is not booked by then stays in the journal. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.ref();
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage({ kind: 'close' } satisfies WriterTask, []);
    await ended;
  }

  #send(task: WriterTask): void {
    if (this.#isClosed) return;
    this.#worker ??= this.#start();
    this.#worker.postMessage(task, []);
  }

  #start(): Worker {
    const worker = new Worker(workerFile, { workerData: { path: this.#path } });
    worker.unref();
    worker.on('message', (news: WriterNews) => this.#hear(news));
    worker.on('error', (error: Error) => this.#fail('worker', error));
    worker.on('exit', () => {
      this.#worker = undefined;
      for (const waiting of this.#waiting.values()) waiting.reject(unusable());
      this.#waiting.clear();
    });
    return worker;
  }

  #hear(news: WriterNews): void {
    switch (news.kind) {
      case 'booked':
        this.#heal();
        for (const file of news.finished) this.#segments.delete(file);
        if (news.unreadable > 0) {
          const text = `${news.unreadable} unreadable line(s) of the ledger's journal were left out; a process that is killed while it writes leaves one.`;
          this.#signals.emit('notice', { text });
        }
        break;
      case 'failed':
        this.#fail(news.operation, news.error);
        break;
      case 'answer':
        this.#settle(news.id, (waiting) => waiting.resolve(news.answer));
        break;
      case 'refusal':
        this.#settle(news.id, (waiting) => waiting.reject(unusable(news.error)));
        break;
    }
  }

  #settle(id: number, how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (waiting !== undefined) how(waiting);
  }

  #fail(operation: string, error: unknown): void {
    this.#signals.emit('part-failed', { part: 'ledger', operation, error });
    this.#isFailing = true;
    if (this.#willRetry) return;
    this.#willRetry = true;
    this.#clock.after(retryMs, () => {
      this.#willRetry = false;
      this.#send({ kind: 'book', segments: [...this.#segments.values()] });
    });
  }

  #heal(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#signals.emit('part-healed', { part: 'ledger' });
  }
}

function unusable(cause?: Error): EconomizerError {
  return new EconomizerError(
    'ECO_LEDGER',
    'The ledger cannot be read or written now; look for `ledger` in the log.',
    { cause },
  );
}
