import { ownBytes } from '../exchange/stream.ts';
import type { Recognised } from './stretch.ts';

interface SeenBody {
  readonly context: string;
  readonly body: Buffer;
  readonly recognised: Recognised;
}

/** Bookkeeping beside a body, in bytes, about. */
const overheadBytes = 300;

/** Small bodies by their bytes. A checksum finds the candidate and a comparison proves it: a tenth of the cost of a cryptographic hash. */
export class SeenBodies {
  readonly #bodies = new Map<number, SeenBody>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  find(checksum: number, context: string, body: Buffer): Recognised | undefined {
    const seen = this.#bodies.get(checksum);
    return seen !== undefined && seen.context === context && seen.body.equals(body)
      ? seen.recognised
      : undefined;
  }

  keep(checksum: number, context: string, body: Buffer, recognised: Recognised): void {
    // Making an entry anew is cheap, so nothing is remembered of its use: when full, start over.
    if (this.#bytes > this.#maxBytes) {
      this.#bodies.clear();
      this.#bytes = 0;
    }
    this.#bodies.set(checksum, { context, body: ownBytes(body), recognised });
    this.#bytes += body.length + overheadBytes;
  }
}
