import { frameEnd, SseParser, sseText } from '../exchange/sse.ts';
import { splitFrames } from '../exchange/frames.ts';
import { GrowingBytes } from '../exchange/growing-bytes.ts';
import { asBuffer, type ByteSink, type ByteStream, type Bytes } from '../exchange/stream.ts';
import { streamMeter } from '../exchange/wire/meter/index.ts';
import type { StreamMeter } from '../exchange/wire/meter/stream-meter.ts';
import type { DialectName } from '../exchange/dialect.ts';
import { EconomizerError } from '../kernel/errors.ts';

export interface MeterOptions {
  /** Output tokens that are held for, of all answers together. */
  readonly tokensMax: number;
  /**
   * How sure it must be that the hold is passed. `surely` (the default): by the fewest tokens that the text can be, so that a stream within its cap
   * is never cut. `perhaps`: by the most, a token for each byte; for providers that are known to ignore caps.
   */
  readonly cutWhen?: 'surely' | 'perhaps' | undefined;
  /** The caller asked for a count of the tokens at the end of its stream. */
  readonly usage: boolean;
  /** Input tokens, for that count. */
  readonly inputTokens: number;
  /** Called once, when the stream is cut, before its end is written. */
  readonly onCut?: (() => void) | undefined;
}

/** A stream that is counted as it passes. */
export interface MeteredStream extends ByteStream {
  /** Output tokens so far at most: as the provider told, else a token for each byte that was written. */
  readonly outputAtMost: () => number;
  /** Output tokens as the provider told them; undefined as long as it has not. */
  readonly outputTold: () => number | undefined;
}

/**
 * Counts a stream of events as it passes and ends it where it would pass its hold: as the dialect ends an answer that has reached its cap, with no
 * frame torn, and with the provider's stream cancelled. A provider that heeds the cap which was sent never gets there.
 *
 * Costs little more than a copy as long as the stream has fewer bytes than it may have tokens, and a few microseconds a frame from there on.
 * Undefined for a dialect without streams. The stream must not be compressed.
 */
export function meteredStream(
  stream: ByteStream,
  dialect: DialectName,
  options: MeterOptions,
): MeteredStream | undefined {
  const meter = streamMeter(dialect);
  return meter && new Metered(stream, meter, options);
}

const nothing = Buffer.alloc(0);
/** So much waits to be parsed; most streams are then parsed when they break off, and else never. */
const unreadBytes = 32 * 1024;
/** A frame that is longer is nobody's; it would be kept in memory. */
const frameLimit = 16 * 1024 * 1024;

class Metered implements MeteredStream, ByteSink {
  readonly #stream: ByteStream;
  readonly #meter: StreamMeter;
  readonly #options: MeterOptions;
  readonly #parser = new SseParser();
  #sink: ByteSink | undefined;
  #torn: Buffer = nothing;
  /** Frames that have passed and are not parsed; copied, as a chunk may be a slice of a much larger buffer. */
  readonly #passed = new GrowingBytes();
  #parsedTo = 0;
  #bytes = 0;

  constructor(stream: ByteStream, meter: StreamMeter, options: MeterOptions) {
    this.#stream = stream;
    this.#meter = meter;
    this.#options = options;
  }

  readonly outputAtMost = (): number => {
    this.#readPassed();
    return this.#meter.told ?? this.#meter.written.atMost;
  };

  readonly outputTold = (): number | undefined => {
    this.#readPassed();
    return this.#meter.told;
  };

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.#stream.open(this);
  }

  resume(): void {
    this.#stream.resume();
  }

  cancel(reason: Error): void {
    this.#sink = undefined;
    this.#stream.cancel(reason);
  }

  write(chunk: Bytes): boolean {
    const sink = this.#sink;
    if (sink === undefined) return false;
    const bytes =
      this.#torn.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#torn, asBuffer(chunk)]);
    const end = frameEnd(bytes);
    this.#torn = end === bytes.length ? nothing : bytes.subarray(end);
    if (this.#torn.length > frameLimit) return this.#giveUp(sink);
    if (end === 0) return true;
    const frames = end === bytes.length ? bytes : bytes.subarray(0, end);
    this.#bytes += frames.length;
    if (this.#bytes > this.#options.tokensMax) return this.#passCounted(sink, frames);
    this.#passed.append(frames);
    if (this.#passed.end - this.#parsedTo > unreadBytes) this.#readPassed();
    return sink.write(frames);
  }

  end(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (this.#torn.length > 0) sink?.write(this.#torn);
    sink?.end();
  }

  fail(error: Error): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.fail(error);
  }

  /** Passes on the frames that the hold still covers. */
  #passCounted(sink: ByteSink, frames: Buffer): boolean {
    this.#readPassed();
    let passed = 0;
    for (const frame of splitFrames(frames)) {
      this.#read(frame);
      if (this.#isPassed()) {
        this.#cut(sink, frames.subarray(0, passed));
        return false;
      }
      passed += frame.length;
    }
    return sink.write(frames);
  }

  #isPassed(): boolean {
    const { told, written, ended } = this.#meter;
    if (ended) return false;
    const { tokensMax, cutWhen } = this.#options;
    const tokens = cutWhen === 'perhaps' ? written.atMost : written.atLeast;
    return (told ?? tokens) > tokensMax;
  }

  #cut(sink: ByteSink, before: Buffer): void {
    const { usage, inputTokens, tokensMax, onCut } = this.#options;
    this.#sink = undefined;
    onCut?.();
    const outputTokens = Math.max(tokensMax, this.#meter.told ?? this.#meter.written.likely);
    const events = this.#meter.closing({ usage, inputTokens, outputTokens });
    const closing = Buffer.from(events.map(sseText).join(''));
    this.#stream.cancel(new Error('the hold of the call is used up'));
    sink.write(before.length === 0 ? closing : Buffer.concat([before, closing]));
    sink.end();
  }

  #giveUp(sink: ByteSink): boolean {
    const error = new EconomizerError(
      'ECO_UPSTREAM_NOT_API',
      `The provider sent an event of more than ${frameLimit} bytes; ask it for smaller ones.`,
    );
    this.#sink = undefined;
    this.#stream.cancel(error);
    sink.fail(error);
    return false;
  }

  #readPassed(): void {
    if (this.#passed.end === this.#parsedTo) return;
    this.#read(this.#passed.slice(this.#parsedTo));
    this.#parsedTo = this.#passed.end;
    this.#passed.drop(this.#parsedTo);
  }

  #read(frames: Buffer): void {
    for (const event of this.#parser.push(frames)) this.#meter.push(event);
  }
}
