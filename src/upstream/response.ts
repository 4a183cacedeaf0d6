import type { Dispatcher } from 'undici';
import { asBuffer, type ByteSink, type ByteStream, type Bytes } from '../exchange/stream.ts';
import type { EconomizerError } from '../kernel/errors.ts';

type Controller = Dispatcher.DispatchController;

/** Queued while nobody reads; past it the provider is paused. */
const queueBytes = 256 * 1024;

export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly string[];
}

interface ResponseOptions {
  readonly onHead: (head: ResponseHead) => void;
  /** Called once: the answer ended, failed or was cancelled. Failures before the head come here too. */
  readonly onDone: (error: EconomizerError | undefined) => void;
  readonly failure: (cause: unknown) => EconomizerError;
}

/** One answer of a provider: undici pushes into it, a sink is fed from it, chunk by chunk and never faster than the sink takes them. */
export class UpstreamResponse implements Dispatcher.DispatchHandler, ByteStream {
  readonly #options: ResponseOptions;
  #controller: Controller | undefined;
  #sink: ByteSink | undefined;
  #queue: Bytes[] = [];
  #queued = 0;
  #cancelled: Error | undefined;
  #state: 'running' | 'ended' | 'failed' = 'running';
  #error: EconomizerError | undefined;
  #headSeen = false;
  /** Waits for the end, or for the queue to grow past what is worth waiting for. */
  #waiter: (() => void) | undefined;

  constructor(options: ResponseOptions) {
    this.#options = options;
  }

  /** The whole body, if it is all here and nobody reads yet. */
  get whole(): Buffer | undefined {
    if (this.#state !== 'ended') return undefined;
    return this.#queue.length === 1 ? asBuffer(this.#queue[0]!) : Buffer.concat(this.#queue);
  }

  /** The failure, if the answer broke before anyone began to read. */
  get error(): EconomizerError | undefined {
    return this.#error;
  }

  /** True as soon as anything of the request may have left. */
  get hasBegun(): boolean {
    return this.#controller !== undefined;
  }

  /** Calls `then` once, when the answer has ended or grown past the queue. */
  whenSettled(then: () => void): void {
    if (this.#state !== 'running' || this.#queued > queueBytes) then();
    else this.#waiter = then;
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.#drain();
  }

  resume(): void {
    this.#drain();
  }

  cancel(reason: Error): void {
    this.#sink = undefined;
    this.#queue = [];
    this.abort(reason);
  }

  /** Breaks the answer off; unlike after `cancel`, whoever reads hears of it. */
  abort(reason: Error): void {
    if (this.#state !== 'running') return;
    this.#cancelled = reason;
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#cancelled !== undefined) controller.abort(this.#cancelled);
  }

  onResponseStart(controller: Controller, status: number): void {
    if (status < 200) return; // informational; the answer comes after it
    this.#headSeen = true;
    this.#options.onHead({ status, headers: textHeaders(controller.rawHeaders) });
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    const sink = this.#sink;
    if (sink !== undefined && this.#queue.length === 0) {
      if (!sink.write(chunk)) controller.pause();
      return;
    }
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued <= queueBytes) return;
    this.#wake();
    if (this.#sink !== undefined || this.#queued > 2 * queueBytes) controller.pause();
  }

  onResponseEnd(): void {
    this.#state = 'ended';
    this.#options.onDone(undefined);
    this.#wake();
    if (this.#sink !== undefined) this.#drain();
  }

  onResponseError(_controller: Controller, cause: Error): void {
    if (this.#state !== 'running') return;
    this.#state = 'failed';
    this.#error = this.#options.failure(this.#cancelled ?? cause);
    this.#options.onDone(this.#headSeen ? undefined : this.#error);
    this.#wake();
    if (this.#sink !== undefined) this.#drain();
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }

  #drain(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#sink === undefined) return;
      this.#queue.shift();
      this.#queued -= next.length;
      if (!this.#sink.write(next)) return;
    }
    const sink = this.#sink;
    if (this.#state === 'running') this.#controller?.resume();
    else if (sink !== undefined) {
      this.#sink = undefined;
      if (this.#error === undefined) sink.end();
      else sink.fail(this.#error);
    }
  }
}

/** Hop-by-hop fields (RFC 9110 section 7.6.1) end here; all others pass as they came. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function textHeaders(raw: Controller['rawHeaders']): readonly string[] {
  const headers: string[] = [];
  const list = (raw ?? []) as readonly (Buffer | string)[];
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = list[index]!.toString('latin1' as never);
    if (hopByHop.has(name.toLowerCase())) continue;
    headers.push(name, list[index + 1]!.toString('latin1' as never));
  }
  return headers;
}
