import type { ByteSink, ByteStream, Bytes } from '../exchange/stream.ts';

/** How far the slowest reader may lag behind before the provider is paused; a stream that has grown past it takes no new readers. */
const lagBytes = 8 * 1024 * 1024;
/** What all have read is let go when so much of it has come together. */
const droppedBytes = 1024 * 1024;

/**
 * One stream for many readers. Each gets everything from the first byte on, however late it came; the source runs at the pace of the
 * fastest reader, unless the slowest lags too far behind; it is cancelled when the last reader leaves. A stream of any length is held
 * in bounded memory: once it is long, latecomers need a flight of their own.
 */
export class Broadcast {
  readonly #source: ByteStream;
  readonly #chunks: Bytes[] = [];
  /** Chunks and bytes that came before `#chunks` and were let go. */
  #droppedChunks = 0;
  #droppedBytes = 0;
  readonly #readers = new Set<Reader>();
  #bytes = 0;
  #state: 'new' | 'open' | 'ended' | 'failed' | 'left' = 'new';
  #error: Error | undefined;

  constructor(source: ByteStream) {
    this.#source = source;
  }

  /** False once the source is over or was given up: who comes now needs a flight of its own. */
  get joinable(): boolean {
    return this.#isUnderWay() && this.#bytes <= lagBytes;
  }

  /** A stream of everything. `onLeave` is called once, when this reader is through or gone. */
  reader(onLeave: () => void): ByteStream & { abort(reason: Error): void } {
    const reader = new Reader(this, onLeave);
    this.#readers.add(reader);
    return reader;
  }

  /** @internal The reader's doors; only `Reader` uses them. */
  chunkAt(index: number): Bytes | undefined {
    return this.#chunks[index - this.#droppedChunks];
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
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    let wanted = false;
    for (const reader of this.#readers) wanted = reader.pump() || wanted;
    if (this.#bytes > lagBytes) this.#letGo();
    return wanted && !this.#isLagging();
  }

  /** Lets go of what all readers have read; who joined in time has his place, and nobody else comes. */
  #letGo(): void {
    let slowest = this.#bytes;
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.read);
    if (slowest - this.#droppedBytes < droppedBytes) return;
    let count = 0;
    while (this.#droppedBytes < slowest) this.#droppedBytes += this.#chunks[count++]!.length;
    this.#chunks.splice(0, count);
    this.#droppedChunks += count;
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
    if (this.#bytes <= lagBytes) return false;
    for (const reader of this.#readers) if (this.#bytes - reader.read > lagBytes) return true;
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
  #next = 0;
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

  /** Passes on what has come; true if the sink wants more. */
  pump(): boolean {
    if (this.#sink === undefined || this.#paused) return false;
    for (;;) {
      const chunk = this.#broadcast.chunkAt(this.#next);
      if (chunk === undefined) break;
      this.#next++;
      this.read += chunk.length;
      this.#paused = !this.#sink.write(chunk);
      // Writing may have made the reader leave.
      if (this.#paused || this.#sink === undefined) return false;
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
