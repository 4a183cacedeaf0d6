import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import type { Bytes } from '../exchange/stream.ts';

/** A small body may unpack to a very large one; what is larger than this is not read. */
const bounded = { maxOutputLength: 64 * 1024 * 1024 };
/** What came of a body that was cut short is worth reading: its usage will be billed. */
const partial = { ...bounded, finishFlush: constants.Z_SYNC_FLUSH };

/** A body without its content coding, undefined where that cannot be undone. */
export function decoded(body: Bytes, encoding: string | undefined): Buffer | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  try {
    switch (encoding?.toLowerCase()) {
      case undefined:
      case 'identity':
        return bytes;
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, partial);
      case 'br':
        return brotliDecompressSync(bytes, bounded);
      case 'zstd':
        return zstdDecompressSync(bytes, bounded);
      case 'deflate':
        return inflateSync(bytes, partial);
      default:
        return undefined;
    }
  } catch {
    return undefined; // a broken coding is the client's to find; the answer is neither read nor kept
  }
}
