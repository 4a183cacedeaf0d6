import type { Harvest } from '../exchange/call.ts';
import type { Dialect, StreamAssembler } from '../exchange/dialect.ts';
import { SseParser } from '../exchange/sse.ts';
import type { Bytes } from '../exchange/stream.ts';
import { decoded } from './content-coding.ts';

/** Collected before it is parsed: most streams are then parsed once, when they have ended and nobody waits. */
const batchBytes = 128 * 1024;
/** Text of a stream that is kept; a longer one is read for its usage but not remembered. */
const keptBytes = 8 * 1024 * 1024;

/** Reads a stream on the side. Parsing is put off to the end, or to when a good deal has come together, so that a chunk costs the path nothing but a push. */
export class StreamReader {
  readonly #parser: SseParser;
  readonly #assembler: StreamAssembler;
  readonly #encoding: string | undefined;
  #kept: Bytes[] | undefined = [];
  #keptBytes = 0;
  #batch: Bytes[] = [];
  #batchBytes = 0;
  #isGarbage = false;

  constructor(dialect: Dialect, encoding: string | undefined) {
    this.#assembler = dialect.assembler();
    this.#encoding = encoding;
    this.#parser = new SseParser();
  }

  push(chunk: Bytes): void {
    this.#batch.push(chunk);
    this.#batchBytes += chunk.length;
    if (this.#kept !== undefined) {
      this.#keptBytes += chunk.length;
      this.#kept.push(chunk);
      if (this.#keptBytes > keptBytes) this.#kept = undefined;
    }
    // A coded stream can only be read as a whole.
    if (this.#batchBytes > batchBytes && this.#encoding === undefined) this.#parse();
  }

  /** What has come so far, read. */
  harvest(): Harvest {
    this.#parse();
    this.#parser.finish();
    const { facts, final } = this.#assembler.finish();
    const events =
      this.#kept === undefined ? undefined : decoded(Buffer.concat(this.#kept), this.#encoding);
    return {
      facts,
      final: final === undefined ? undefined : Buffer.from(JSON.stringify(final)),
      events,
    };
  }

  #parse(): void {
    const bytes = this.#batch.length === 1 ? this.#batch[0]! : Buffer.concat(this.#batch);
    this.#batch = [];
    this.#batchBytes = 0;
    const text = decoded(bytes, this.#encoding);
    if (text === undefined || this.#isGarbage) return;
    try {
      for (const event of this.#parser.push(text)) this.#assembler.push(event);
    } catch {
      // An endless frame: the client gets it as it is, but there is nothing here to read or to keep.
      this.#isGarbage = true;
      this.#kept = undefined;
    }
  }
}
