import { promisify } from 'node:util';
import {
  constants,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import type { Bytes } from '../../exchange/stream.ts';

/** Up to this size the time to pack and unpack a body is worth more than the bytes. */
const plainBytesMax = 4096;
/** Larger ones are packed by another thread. */
const packAsideBytes = 32 * 1024;
const unpackAsideBytes = 128 * 1024;
/** A packed body must be at most this share of the plain one to be kept packed. */
const worthwhile = 0.8;

const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const compressAside = promisify(zstdCompress);
const decompressAside = promisify(zstdDecompress);

/** A body as it is kept. */
export interface KeptBody {
  readonly bytes: Bytes;
  readonly isPacked: boolean;
}

/** Packs a body where that helps; now, unless it is large. @param plain it is not to be packed. */
export function packBody(body: Bytes, plain: boolean): KeptBody | Promise<KeptBody> {
  if (plain || body.byteLength <= plainBytesMax) return { bytes: body, isPacked: false };
  if (body.byteLength <= packAsideBytes) return smaller(body, zstdCompressSync(body, compression));
  return compressAside(body, compression).then((packed) => smaller(body, packed));
}

function smaller(body: Bytes, packed: Buffer): KeptBody {
  const helps = packed.length <= worthwhile * body.byteLength;
  return helps ? { bytes: packed, isPacked: true } : { bytes: body, isPacked: false };
}

/** The body again; now, unless it is large. Undefined where it is damaged or has more bytes than it should. */
export function unpackBody(
  packed: Buffer,
  length: number,
): Buffer | undefined | Promise<Buffer | undefined> {
  const limit = { maxOutputLength: Math.max(1, length) };
  if (length > unpackAsideBytes) return decompressAside(packed, limit).catch(() => undefined);
  try {
    return zstdDecompressSync(packed, limit);
  } catch {
    return undefined;
  }
}
