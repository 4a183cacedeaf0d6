/** What the writer thread is told to do with one key. */
export type Change =
  | {
      readonly kind: 'put';
      readonly key: string;
      /** Milliseconds since the epoch. */
      readonly staleUntil: number;
      /** The packed entry, see `answer-codec.ts`. */
      readonly packed: Buffer;
    }
  | { readonly kind: 'delete'; readonly key: string };

const put = 1;
const remove = 2;
/** Kind, the lengths of key and packed entry, and the time. */
const prefixBytes = 1 + 4 + 4 + 8;
const startBytes = 64 * 1024;

/**
 * Changes packed into one run of bytes, which goes to the writer thread by change of hands: a message with a thousand
 * small buffers would be copied piece by piece, and a buffer from Node's pool with all its neighbours.
 */
export class BatchWriter {
  #bytes: Buffer<ArrayBuffer>;
  #at = 0;
  changes = 0;

  /** @param room bytes of an earlier batch to write over; fresh memory costs a page fault for every 4 KB. */
  constructor(room: ArrayBuffer = new ArrayBuffer(0)) {
    this.#bytes = Buffer.from(room);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#at;
  }

  put(key: string, staleUntil: number, packed: Buffer): void {
    this.#begin(put, { key, staleUntil, packed: packed.byteLength });
    this.#bytes.set(packed, this.#at);
    this.#at += packed.byteLength;
  }

  delete(key: string): void {
    this.#begin(remove, { key, staleUntil: 0, packed: 0 });
  }

  /** The bytes, in a store of their own that can be transferred. The batch must not be used any more. */
  finish(): Buffer<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  #begin(kind: number, record: { key: string; staleUntil: number; packed: number }): void {
    const keyLength = Buffer.byteLength(record.key);
    this.#need(prefixBytes + keyLength + record.packed);
    const bytes = this.#bytes;
    let at = bytes.writeUInt8(kind, this.#at);
    at = bytes.writeUInt32LE(keyLength, at);
    at = bytes.writeUInt32LE(record.packed, at);
    at = bytes.writeDoubleLE(record.staleUntil, at);
    this.#at = at + bytes.write(record.key, at, 'utf8');
    this.changes++;
  }

  #need(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(startBytes, needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** The changes of a batch in order; packed entries are views into it. */
export function* readBatch(batch: Uint8Array): Generator<Change> {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let at = 0; at < bytes.length;) {
    const kind = bytes.readUInt8(at);
    const packedAt = at + prefixBytes + bytes.readUInt32LE(at + 1);
    const end = packedAt + bytes.readUInt32LE(at + 5);
    const key = bytes.toString('utf8', at + prefixBytes, packedAt);
    if (kind === put) {
      const staleUntil = bytes.readDoubleLE(at + 9);
      yield { kind: 'put', key, staleUntil, packed: bytes.subarray(packedAt, end) };
    } else {
      yield { kind: 'delete', key };
    }
    at = end;
  }
}
