import {
  createHmac,
  hkdfSync,
  timingSafeEqual,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import {
  constants,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import type { Bytes } from '../../exchange/stream.ts';
import { decodeEntry, encodeEntry, type EncodedEntry } from '../answer-codec.ts';
import type { CacheEntry } from '../tier.ts';

/**
 * A value as others keep it for us: mark and version (4 bytes), flags (1), time of expiry (8), length of the head (4), length of the body
 * (4), seal (16); then head and body, the body perhaps packed. The seal is over the place where the value lies and all the rest.
 */
const mark = Buffer.from('eco\u0001', 'latin1');
const flagsAt = 4;
const staleUntilAt = 5;
const headLengthAt = 13;
const bodyLengthAt = 17;
const sealAt = 21;
const sealBytes = 16;
export const sealedHeadBytes = sealAt + sealBytes;

/** A longer head is none of ours. */
const headLengthMax = 64 * 1024;
const isPacked = 1;
/** In place of the body stands its address. */
const isApart = 2;
/** The address is that of this place alone. */
const isAlone = 4;
/** Below, a row of its own would cost more than a body that is kept twice. */
const apartFrom = 1024;
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

/** What is wrong with a value that is not ours, in a word or two. */
export type Flaw = 'foreign' | 'damaged';

/** A value whose body lies elsewhere, if it is large, so that equal bodies can be kept once. */
export interface SealedParts {
  readonly value: Buffer;
  readonly body: SealedBody | undefined;
}

export interface SealedBody {
  /** A keyed hash of the body: nobody without the secret can tell it, or find a body by it. */
  readonly address: Buffer;
  /** Whether it is packed (1 byte), then the body. */
  readonly bytes: Buffer;
}

/** Makes and opens values that nobody without the secret can make. */
export class Sealer {
  readonly #key: KeyObject;
  readonly #bodyKey: KeyObject;

  /** @param secret shared by all who read each other's values. */
  constructor(secret: string) {
    this.#key = keyFor(secret, 'economizer value');
    this.#bodyKey = keyFor(secret, 'economizer body');
  }

  /** @param place where it will lie: a value that is moved elsewhere is none. */
  seal(place: string, entry: CacheEntry): Buffer | Promise<Buffer> {
    return this.#whole(place, entry, encodeEntry(entry));
  }

  /** As `seal`, but with a large body apart, for `open` to be given it again. */
  async sealParts(place: string, entry: CacheEntry): Promise<SealedParts> {
    const encoded = encodeEntry(entry);
    const { head, body } = encoded;
    if (body.length < apartFrom) {
      return { value: await this.#whole(place, entry, encoded), body: undefined };
    }
    const [owner, flags] = entry.alone === true ? [place, isApart | isAlone] : ['', isApart];
    const address = this.#addressOf(body, owner);
    const value = this.#sealed(place, entry, head, address, body.length, flags);
    const packed = await packedBody(body, entry.storage === 'plain');
    const isSmaller = packed !== undefined && packed.length <= worthwhile * body.length;
    const bytes = Buffer.concat([Buffer.of(isSmaller ? 1 : 0), isSmaller ? packed : body]);
    return { value, body: { address, bytes } };
  }

  #whole(place: string, entry: CacheEntry, { head, body }: EncodedEntry): Buffer | Promise<Buffer> {
    if (body.length <= plainBytesMax || entry.storage === 'plain') {
      return this.#sealed(place, entry, head, body, body.length, 0);
    }
    if (body.length <= packAsideBytes) {
      return this.#packed(place, entry, head, body, zstdCompressSync(body, compression));
    }
    return compressAside(body, compression).then((packed) =>
      this.#packed(place, entry, head, body, packed),
    );
  }

  /**
   * The entry again.
   * @param bytesMax that the body may have once it is unpacked.
   * @param apart the body, where it was sealed apart.
   */
  open(
    place: string,
    key: string,
    value: Buffer,
    bytesMax: number,
    apart?: Buffer | null,
  ): CacheEntry | Flaw | Promise<CacheEntry | Flaw> {
    if (value.length < sealedHeadBytes || !value.subarray(0, 4).equals(mark)) return 'foreign';
    const seal = value.subarray(sealAt, sealedHeadBytes);
    if (!timingSafeEqual(seal, this.#sealOf(place, value))) return 'foreign';
    const headEnd = sealedHeadBytes + value.readUInt32LE(headLengthAt);
    const head = value.subarray(sealedHeadBytes, headEnd);
    const kept = value.subarray(headEnd);
    const flags = value[flagsAt] ?? 0;
    if (flags === 0) return decodeEntry(key, head, kept) ?? 'damaged';
    const length = value.readUInt32LE(bodyLengthAt);
    if (length > bytesMax) return 'damaged';
    const limit = { maxOutputLength: Math.max(1, length) };
    if ((flags & isApart) !== 0) {
      const owner = (flags & isAlone) === 0 ? '' : place;
      const isIt = (body: Buffer): boolean => this.#addressOf(body, owner).equals(kept);
      return openApart(key, head, apart ?? undefined, limit, isIt);
    }
    if (length > unpackAsideBytes) {
      return decompressAside(kept, limit).then(
        (body) => decodeEntry(key, head, body) ?? 'damaged',
        () => 'damaged' as const,
      );
    }
    return openPacked(key, head, kept, limit);
  }

  /** @param owner whose alone it is; none: everybody's who has the same. */
  #addressOf(body: Buffer, owner: string): Buffer {
    return createHmac('sha256', this.#bodyKey)
      .update(`${owner.length}:${owner}`)
      .update(body)
      .digest();
  }

  #packed(place: string, entry: CacheEntry, head: Buffer, body: Bytes, packed: Buffer): Buffer {
    const helps = packed.length <= worthwhile * body.length;
    return helps
      ? this.#sealed(place, entry, head, packed, body.length, isPacked)
      : this.#sealed(place, entry, head, body, body.length, 0);
  }

  #sealed(
    place: string,
    entry: CacheEntry,
    head: Buffer,
    kept: Bytes,
    bodyLength: number,
    flags: number,
  ): Buffer {
    const value = Buffer.allocUnsafeSlow(sealedHeadBytes + head.length + kept.length);
    mark.copy(value);
    value[flagsAt] = flags;
    value.writeDoubleLE(entry.staleUntil, staleUntilAt);
    value.writeUInt32LE(head.length, headLengthAt);
    value.writeUInt32LE(bodyLength, bodyLengthAt);
    head.copy(value, sealedHeadBytes);
    value.set(kept, sealedHeadBytes + head.length);
    this.#sealOf(place, value).copy(value, sealAt);
    return value;
  }

  #sealOf(place: string, value: Buffer): Buffer {
    return createHmac('sha256', this.#key)
      .update(`${place.length}:${place}`)
      .update(value.subarray(0, sealAt))
      .update(value.subarray(sealedHeadBytes))
      .digest()
      .subarray(0, sealBytes);
  }
}

/** When the value expires, milliseconds since the epoch, as its first bytes say; undefined where they are not ours. */
export function expiryOf(value: Buffer): number | undefined {
  if (value.length < headLengthAt || !value.subarray(0, 4).equals(mark)) return undefined;
  return value.readDoubleLE(staleUntilAt);
}

/** Where the head ends, as the first bytes of a value say; undefined where they are not ours. */
export function endOfHead(value: Buffer): number | undefined {
  if (value.length < sealedHeadBytes || !value.subarray(0, 4).equals(mark)) return undefined;
  return sealedHeadBytes + Math.min(value.readUInt32LE(headLengthAt), headLengthMax);
}

function keyFor(secret: string, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)));
}

function packedBody(body: Buffer, plain: boolean): Buffer | undefined | Promise<Buffer> {
  if (plain || body.length <= plainBytesMax) return undefined;
  if (body.length <= packAsideBytes) return zstdCompressSync(body, compression);
  return compressAside(body, compression);
}

/** @param isIt whether a body is the one that is meant. */
async function openApart(
  key: string,
  head: Buffer,
  stored: Buffer | undefined,
  limit: { readonly maxOutputLength: number },
  isIt: (body: Buffer) => boolean,
): Promise<CacheEntry | Flaw> {
  if (stored === undefined || stored.length === 0) return 'damaged';
  const kept = stored.subarray(1);
  const body = stored[0] === 0 ? kept : await unpackedBody(kept, limit);
  if (body === undefined || !isIt(body)) return 'damaged';
  return decodeEntry(key, head, body) ?? 'damaged';
}

async function unpackedBody(
  kept: Buffer,
  limit: { readonly maxOutputLength: number },
): Promise<Buffer | undefined> {
  try {
    if (limit.maxOutputLength > unpackAsideBytes) return await decompressAside(kept, limit);
    return zstdDecompressSync(kept, limit);
  } catch {
    return undefined;
  }
}

function openPacked(
  key: string,
  head: Buffer,
  kept: Buffer,
  limit: { readonly maxOutputLength: number },
): CacheEntry | Flaw {
  try {
    return decodeEntry(key, head, zstdDecompressSync(kept, limit)) ?? 'damaged';
  } catch {
    return 'damaged';
  }
}
