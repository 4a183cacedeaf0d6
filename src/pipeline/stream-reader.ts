import type { Harvest } from '../exchange/call.ts';
import type { Dialect, StreamAssembler } from '../exchange/dialect.ts';
import { SseParser } from '../exchange/sse.ts';
import type { Bytes } from '../exchange/stream.ts';
import { GrowingBytes } from '../exchange/growing-bytes.ts';
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
  readonly #bytes = new GrowingBytes();
  #parsedTo = 0;
  /** The whole is kept, and not only what is to be parsed. */
  #isKept = true;
  #isGarbage = false;

  constructor(dialect: Dialect, encoding: string | undefined) {
    this.#assembler = dialect.assembler();
    this.#encoding = encoding;
    this.#parser = new SseParser();
  }

  push(chunk: Bytes): void {
    if (this.#isGarbage) return;
    this.#bytes.append(chunk);
    const isCoded = this.#encoding !== undefined;
    if (this.#bytes.end > keptBytes) {
      this.#isKept = false;
      // A coded stream can only be read as a whole.
      if (isCoded) this.#giveUp();
    }
    if (!isCoded && this.#bytes.end - this.#parsedTo > batchBytes) this.#parse();
  }

  /** What has come so far, read. */
  harvest(): Harvest {
    this.#parse();
    this.#parser.finish();
    const { facts, final } = this.#assembler.finish();
    return {
      facts,
      final: final === undefined ? undefined : Buffer.from(JSON.stringify(final)),
      events: this.#isKept ? decoded(this.#bytes.slice(0), this.#encoding) : undefined,
    };
  }

  #parse(): void {
    if (this.#isGarbage) return;
    const text = decoded(this.#bytes.slice(this.#parsedTo), this.#encoding);
    this.#parsedTo = this.#bytes.end;
    if (!this.#isKept) this.#bytes.drop(this.#parsedTo);
    if (text === undefined) return;
    try {
      for (const event of this.#parser.push(text)) this.#assembler.push(event);
    } catch {
      // An endless frame: the client gets it as it is, but there is nothing here to read or to keep.
      this.#giveUp();
    }
  }

  #giveUp(): void {
    this.#isGarbage = true;
    this.#isKept = false;
    this.#bytes.drop(this.#bytes.end);
  }
}
