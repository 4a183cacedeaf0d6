import { comparePrompts, type Comparison } from './compare.ts';
import type { LaidOut } from './layout.ts';
import { regionOf } from './layout.ts';
import { sizeOf, type Thread } from './thread.ts';

/** A thread and how a request goes on from it. */
export interface Continued {
  readonly thread: Thread;
  readonly comparison: Comparison;
}

/** A body that a request was compared with already, and how many bytes both begin with. */
export interface Known {
  readonly body: Buffer | undefined;
  readonly same: number;
}

/** Conversations that begin alike and are told apart by comparing; more would be guesswork. */
const threadsPerKey = 16;

/** The last request of each conversation, the least recently used forgotten beyond a number of bytes and of threads. */
export class ThreadTable {
  readonly #maxBytes: number;
  readonly #maxThreads: number;
  readonly #threads = new Map<string, Thread[]>();
  /** The latest thread of each session that callers name. */
  readonly #sessions = new Map<string, Thread>();
  #bytes = 0;
  #count = 0;

  constructor(options: { readonly maxBytes: number; readonly maxThreads: number }) {
    this.#maxBytes = options.maxBytes;
    this.#maxThreads = options.maxThreads;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#count;
  }

  /** The thread last used under a key: its places spare finding those of a request that goes on from it. */
  latest(key: string): Thread | undefined {
    return this.#threads.get(key)?.[0];
  }

  /** The thread that a request goes on from: of those under its key the one with most in common. */
  find(key: string, request: LaidOut, known: Known): Continued | undefined {
    const threads = this.#threads.get(key);
    let best: Continued | undefined;
    for (const thread of threads ?? []) {
      const same = thread.body === known.body ? known.same : 0;
      const comparison = comparePrompts(thread, request, same);
      const isLonger = best === undefined || comparison.sharedBytes > best.comparison.sharedBytes;
      if (isLonger) best = { thread, comparison };
    }
    if (best !== undefined) {
      this.#threads.delete(key); // behind the others: kept in order of use
      this.#threads.set(key, threads!);
    }
    return best;
  }

  /**
   * The latest thread of a named session, where its beginning was edited so that no key finds it: one of about the same length.
   * Sessions also make side calls, which are threads of their own.
   */
  findEdited(session: string, request: LaidOut): Continued | undefined {
    const thread = this.#sessions.get(session);
    if (thread === undefined) return undefined;
    const before = regionOf(thread.layout, 'messages')!.items.length;
    const now = regionOf(request.layout, 'messages')!.items.length;
    if (before < 3 || now < before / 2) return undefined;
    return { thread, comparison: comparePrompts(thread, request) };
  }

  /** Keeps a new thread. */
  add(thread: Thread): void {
    const size = sizeOf(thread);
    if (size > this.#maxBytes / 4) return;
    const threads = this.#threads.get(thread.key) ?? [];
    this.#threads.delete(thread.key);
    this.#threads.set(thread.key, threads);
    threads.unshift(thread);
    this.#bytes += size;
    this.#count++;
    if (threads.length > threadsPerKey) this.#forget(threads.pop()!);
    if (thread.session !== undefined) this.#name(thread.session, thread);
    this.#shrink();
  }

  /** Lets a thread go on with its next request. */
  update(thread: Thread, next: () => void): void {
    const known = this.#threads.get(thread.key)?.includes(thread) === true;
    if (known) this.#bytes -= sizeOf(thread);
    next();
    if (known) this.#bytes += sizeOf(thread);
    this.#shrink();
  }

  #name(session: string, thread: Thread): void {
    this.#sessions.delete(session);
    this.#sessions.set(session, thread);
    if (this.#sessions.size <= this.#maxThreads) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes || this.#count > this.#maxThreads) {
      const oldest = this.#threads.entries().next().value;
      if (oldest === undefined) return;
      const [key, threads] = oldest;
      this.#forget(threads.pop()!);
      if (threads.length === 0) this.#threads.delete(key);
    }
  }

  #forget(thread: Thread): void {
    this.#bytes -= sizeOf(thread);
    this.#count--;
    const { session } = thread;
    if (session !== undefined && this.#sessions.get(session) === thread) {
      this.#sessions.delete(session);
    }
  }
}
