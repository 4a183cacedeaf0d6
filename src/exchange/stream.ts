/**
 * Bytes on their way, pushed. The hot path has no web streams (twice the cost of a chunk) and no Node streams:
 * a source pushes into a sink, a sink that is full answers `false`, and the flow goes on at `resume()`.
 */
export interface ByteSink {
  /** Takes a chunk; false asks the source to pause until `resume()`. */
  write(chunk: Uint8Array): boolean;
  /** The source is through, whole and well. */
  end(): void;
  /** The source broke; what was written is not the whole. */
  fail(error: Error): void;
}

export interface ByteStream {
  /** Begins the flow into `sink`. At most once. */
  open(sink: ByteSink): void;
  /** Goes on after a `write` that answered false. */
  resume(): void;
  /** The reader leaves; after it the sink hears nothing more. */
  cancel(reason: Error): void;
}

export type Bytes = Uint8Array;

/** The same bytes with a buffer's methods, not copied. */
export function asBuffer(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes for keeping: a slice of a larger buffer would hold the whole of it; a copy holds what is counted. */
export function ownBytes(bytes: Bytes): Buffer {
  if (bytes.byteLength === bytes.buffer.byteLength) return asBuffer(bytes);
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

/** Everything a stream brings, as one buffer; rejects when it fails or passes `limit` bytes. */
export function collect(stream: ByteStream, limit = Infinity): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Bytes[] = [];
    let size = 0;
    stream.open({
      write(chunk) {
        size += chunk.length;
        chunks.push(chunk);
        if (size > limit) {
          const error = new RangeError(`stream longer than ${limit} bytes`);
          stream.cancel(error);
          reject(error);
        }
        return true;
      },
      end: () => resolve(Buffer.concat(chunks)),
      fail: reject,
    });
  });
}
