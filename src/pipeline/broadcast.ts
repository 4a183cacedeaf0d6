import { GrowingBytes } from '../exchange/growing-bytes.ts';
import type { ByteSink, ByteStream, Bytes } from '../exchange/stream.ts';

/** How far the slowest reader may lag behind before the provider is paused; a stream that has grown past it takes no new readers. */
const lagBytes = 8 * 1024 * 1024;
/** What all have read is let go when so much of it has come together. */
const droppedBytes = 1024 * 1024;
/** A latecomer gets what he missed in pieces of this size. */
const pieceBytes = 128 * 1024;

/**
 * One stream for many readers. Each gets everything from the first byte on, however late it came; the source runs at the pace of the
 * fastest reader, unless the slowest lags too far behind; it is cancelled when the last reader leaves. A stream of any length is held
 * in bounded memory: once it is long, latecomers need a flight of their own.
 */
export class Broadcast {
  readonly #source: ByteStream;
  readonly #bytes = new GrowingBytes();
  #dropped = 0;
  readonly #readers = new Set<Reader>();
  #state: 'new' | 'open' | 'ended' | 'failed' | 'left' = 'new';
  #error: Error | undefined;

  constructor(source: ByteStream) {
    this.#source = source;
  }

  /** False once the source is over or was given up: who comes now needs a flight of its own. */
  get joinable(): boolean {
    return this.#isUnderWay() && this.#bytes.end <= lagBytes;
  }

  /** Bytes that are kept for readers who lag behind or come late. */
  get heldBytes(): number {
    return this.#bytes.end - this.#dropped;
  }

  /** A stream of everything. `onLeave` is called once, when this reader is through or gone. */
  reader(onLeave: () => void): ByteStream & { abort(reason: Error): void } {
    const reader = new Reader(this, onLeave);
    this.#readers.add(reader);
    return reader;
  }

  /** @internal The reader's doors; only `Reader` uses them. */
  pieceFrom(offset: number): Bytes | undefined {
    const { end } = this.#bytes;
    return offset === end
      ? undefined
      : this.#bytes.slice(offset, Math.min(end, offset + pieceBytes));
  }

  /** @internal */
  get over(): { readonly error: Error | undefined } | undefined {
    return this.#state === 'ended' || this.#state === 'failed' ? { error: this.#error } : undefined;
  }

  /** @internal Begins the flow with the first reader; later ones find it begun. */
  begin(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#source.open({
      write: (chunk) => this.#write(chunk),
      end: () => this.#finish('ended', undefined),
      fail: (error) => this.#finish('failed', error),
    } satisfies ByteSink);
  }

  /** @internal */
  want(): void {
    if (this.#state === 'open' && !this.#isLagging()) this.#source.resume();
  }

  /** @internal */
  leave(reader: Reader, reason: Error): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0 || !this.#isUnderWay()) return;
    this.#state = 'left';
    this.#source.cancel(reason);
  }

  #write(chunk: Bytes): boolean {
    const { end } = this.#bytes;
    this.#bytes.append(chunk);
    let wanted = false;
    for (const reader of this.#readers) wanted = reader.offer(chunk, end) || wanted;
    if (this.#bytes.end > lagBytes) this.#letGo();
    return wanted && !this.#isLagging();
  }

  /** Lets go of what all readers have read; who joined in time has his place, and nobody else comes. */
  #letGo(): void {
    let slowest = this.#bytes.end;
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.read);
    if (slowest - this.#dropped < droppedBytes) return;
    this.#bytes.drop(slowest);
    this.#dropped = slowest;
  }

  #isUnderWay(): boolean {
    return this.#state === 'new' || this.#state === 'open';
  }

  #finish(state: 'ended' | 'failed', error: Error | undefined): void {
    this.#state = state;
    this.#error = error;
    for (const reader of this.#readers) reader.pump();
  }

  #isLagging(): boolean {
    const { end } = this.#bytes;
    if (end <= lagBytes) return false;
    for (const reader of this.#readers) if (end - reader.read > lagBytes) return true;
    return false;
  }
}

/** One reader's place in a broadcast. */
class Reader implements ByteStream {
  /** Bytes taken so far. */
  read = 0;
  readonly #broadcast: Broadcast;
  readonly #onLeave: () => void;
  #sink: ByteSink | undefined;
  #paused = false;
  #left = false;

  constructor(broadcast: Broadcast, onLeave: () => void) {
    this.#broadcast = broadcast;
    this.#onLeave = onLeave;
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.pump();
    this.#broadcast.begin();
  }

  resume(): void {
    this.#paused = false;
    if (this.pump()) this.#broadcast.want();
  }

  cancel(reason: Error): void {
    if (this.#left) return;
    this.#sink = undefined;
    this.#leave();
    this.#broadcast.leave(this, reason);
  }

  /** Leaves like `cancel`, but tells the own sink. */
  abort(reason: Error): void {
    const sink = this.#sink;
    this.cancel(reason);
    sink?.fail(reason);
  }

  /** Takes what has just come, `at` this offset; true if the sink wants more. */
  offer(chunk: Bytes, at: number): boolean {
    if (this.read !== at) return this.pump(); // it lags behind
    if (this.#sink === undefined || this.#paused) return false;
    this.#pass(chunk);
    // Writing may have made the reader leave.
    return !this.#paused && this.#sink !== undefined;
  }

  #pass(bytes: Bytes): void {
    this.read += bytes.length;
    this.#paused = !this.#sink!.write(bytes);
  }

  /** Passes on what has come; true if the sink wants more. */
  pump(): boolean {
    for (;;) {
      if (this.#sink === undefined || this.#paused) return false;
      const piece = this.#broadcast.pieceFrom(this.read);
      if (piece === undefined) break;
      this.#pass(piece);
    }
    const { over } = this.#broadcast;
    if (over === undefined) return true;
    const sink = this.#sink;
    this.#sink = undefined;
    this.#leave();
    if (over.error === undefined) sink.end();
    else sink.fail(over.error);
    return false;
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#onLeave();
  }
}
