import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Bytes } from '../../exchange/stream.ts';

/** Up to this size the 20 microseconds to unpack a body are worth more than the bytes. */
const plainBytesMax = 4096;
/** A packed body must be at most this share of the plain one to be kept packed. */
const worthwhile = 0.8;

const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** A body as it lies in the file. */
export interface StoredBody {
  readonly packed: boolean;
  readonly bytes: Bytes;
}

/** Packs a body with zstd where that helps. */
export function packBody(body: Bytes): StoredBody {
  if (body.byteLength <= plainBytesMax) return { packed: false, bytes: body };
  const bytes = zstdCompressSync(body, options);
  if (bytes.byteLength > worthwhile * body.byteLength) return { packed: false, bytes: body };
  return { packed: true, bytes };
}

/**
 * @param limit bytes; a damaged body must not unpack into all our memory.
 * @throws Error where the packed bytes are damaged or unpack to more than `limit`.
 */
export function unpackBody(stored: StoredBody, limit: number): Bytes {
  return stored.packed
    ? zstdDecompressSync(stored.bytes, { maxOutputLength: limit })
    : stored.bytes;
}
