import {
  createHmac,
  hkdfSync,
  timingSafeEqual,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import type { Answer } from '../../exchange/answer.ts';
import type { Bytes } from '../../exchange/stream.ts';
import { decodeEntry, encodeEntry, type EncodedEntry } from '../answer-codec.ts';
import type { CacheEntry } from '../tier.ts';
import { packBody, unpackBody, type KeptBody } from './packed-body.ts';

/**
 * A value as others keep it for us: mark and version (4 bytes), flags (1), time of expiry (8), length of the head (4), length of the body
 * (4), seal (16); then head and body, the body perhaps packed. The seal is over the place where the value lies and all the rest.
 */
const mark = Buffer.from('eco\u0001', 'latin1');
const flagsAt = 4;
const staleUntilAt = 5;
const headLengthAt = 13;
const bodyLengthAt = 17;
export const sealAt = 21;
const sealBytes = 16;
export const sealedHeadBytes = sealAt + sealBytes;
/** Of a body; the last bytes of a value whose body lies apart. */
export const addressBytes = 32;

/** A longer head is none of ours. */
const headLengthMax = 64 * 1024;
const isPacked = 1;
/** In place of the body stands its address. */
const isApart = 2;
/** The address is that of this place alone. */
const isAlone = 4;
/** Below, a row of its own would cost more than a body that is kept twice. */
const apartFrom = 1024;

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

/** What a value says of its body that lies elsewhere. */
export interface Apart {
  readonly address: Buffer;
  /** The seal of the value: no other has it. */
  readonly seal: Buffer;
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
    const address = this.#addressOf([body], owner);
    const value = this.#sealed(place, entry.staleUntil, head, address, body.length, flags);
    const kept = await packBody(body, entry.storage === 'plain');
    return { value, body: { address, bytes: apartBytes(kept) } };
  }

  /**
   * The parts of a value that is whole. Undefined where it is none of ours, or too small or large.
   * @param bytesMin of the body as it is kept.
   * @param bytesMax of the body once it is unpacked.
   * @param made what we have just made the value of: then it need not be looked into.
   */
  async takeApart(
    place: string,
    value: Buffer,
    { bytesMin, bytesMax }: { readonly bytesMin: number; readonly bytesMax: number },
    made?: Answer,
  ): Promise<(SealedParts & { readonly body: SealedBody }) | undefined> {
    const headEnd = endOfHead(value);
    if (headEnd === undefined || value.length - headEnd < bytesMin) return undefined;
    const flags = value[flagsAt]!;
    const bodyLength = value.readUInt32LE(bodyLengthAt);
    const isLarge = bodyLength > bytesMax || value.readUInt32LE(headLengthAt) > headLengthMax;
    if (isLarge || (flags & isApart) !== 0) return undefined;
    const kept = { bytes: value.subarray(headEnd), isPacked: (flags & isPacked) !== 0 };
    const body = made === undefined ? await this.#bodyIn(place, value, kept) : bodyOf(made);
    if (body === undefined) return undefined;
    const address = this.#addressOf(body, '');
    const head = value.subarray(sealedHeadBytes, headEnd);
    const staleUntil = value.readDoubleLE(staleUntilAt);
    const apart = this.#sealed(place, staleUntil, head, address, bodyLength, isApart);
    return { value: apart, body: { address, bytes: apartBytes(kept) } };
  }

  async #bodyIn(
    place: string,
    value: Buffer,
    kept: KeptBody & { readonly bytes: Buffer },
  ): Promise<readonly Bytes[] | undefined> {
    if (!this.#isOurs(place, value)) return undefined;
    if (!kept.isPacked) return [kept.bytes];
    const body = await unpackBody(kept.bytes, value.readUInt32LE(bodyLengthAt));
    return body && [body];
  }

  #whole(place: string, entry: CacheEntry, { head, body }: EncodedEntry): Buffer | Promise<Buffer> {
    const sealed = ({ bytes, isPacked: packed }: KeptBody): Buffer =>
      this.#sealed(place, entry.staleUntil, head, bytes, body.length, packed ? isPacked : 0);
    const kept = packBody(body, entry.storage === 'plain');
    return kept instanceof Promise ? kept.then(sealed) : sealed(kept);
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
    if (!this.#isOurs(place, value)) return 'foreign';
    const headEnd = sealedHeadBytes + value.readUInt32LE(headLengthAt);
    const head = value.subarray(sealedHeadBytes, headEnd);
    const kept = value.subarray(headEnd);
    const flags = value[flagsAt] ?? 0;
    if (flags === 0) return decodeEntry(key, head, kept) ?? 'damaged';
    const length = value.readUInt32LE(bodyLengthAt);
    if (length > bytesMax) return 'damaged';
    if ((flags & isApart) !== 0) {
      const owner = (flags & isAlone) === 0 ? '' : place;
      const isIt = (body: Buffer): boolean => this.#addressOf([body], owner).equals(kept);
      return openApart(key, head, apart ?? undefined, length, isIt);
    }
    const decoded = (body: Buffer | undefined): CacheEntry | Flaw =>
      (body && decodeEntry(key, head, body)) ?? 'damaged';
    const body = unpackBody(kept, length);
    return body instanceof Promise ? body.then(decoded) : decoded(body);
  }

  /** @param owner whose alone it is; none: everybody's who has the same. */
  #addressOf(body: readonly Bytes[], owner: string): Buffer {
    const hash = createHmac('sha256', this.#bodyKey).update(`${owner.length}:${owner}`);
    for (const part of body) hash.update(part);
    return hash.digest();
  }

  #isOurs(place: string, value: Buffer): boolean {
    return timingSafeEqual(sealOf(value), this.#sealOf(place, value));
  }

  #sealed(
    place: string,
    staleUntil: number,
    head: Buffer,
    kept: Bytes,
    bodyLength: number,
    flags: number,
  ): Buffer {
    const value = Buffer.allocUnsafeSlow(sealedHeadBytes + head.length + kept.length);
    mark.copy(value);
    value[flagsAt] = flags;
    value.writeDoubleLE(staleUntil, staleUntilAt);
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

/** By what two values of one place can be told apart; of what is too short to be ours nothing. */
export function sealOf(value: Buffer): Buffer {
  return value.subarray(sealAt, sealedHeadBytes);
}

/** What a value says of a body that lies apart, by its first and last bytes; undefined where it has none, or is not ours. */
export function apartOf(value: Buffer): Apart | undefined {
  if (value.length < sealedHeadBytes + addressBytes) return undefined;
  if (!value.subarray(0, 4).equals(mark) || (value[flagsAt]! & isApart) === 0) return undefined;
  return {
    address: value.subarray(-addressBytes),
    seal: sealOf(value),
  };
}

function keyFor(secret: string, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)));
}

/** As `encodeEntry` puts it together. */
function bodyOf({ final, frames }: Answer): readonly Bytes[] {
  return frames === undefined ? [final] : [final, frames];
}

function apartBytes({ bytes, isPacked: packed }: KeptBody): Buffer {
  return Buffer.concat([Buffer.of(packed ? 1 : 0), bytes]);
}

/** @param isIt whether a body is the one that is meant. */
async function openApart(
  key: string,
  head: Buffer,
  stored: Buffer | undefined,
  length: number,
  isIt: (body: Buffer) => boolean,
): Promise<CacheEntry | Flaw> {
  if (stored === undefined || stored.length === 0) return 'damaged';
  const kept = stored.subarray(1);
  const body = stored[0] === 0 ? kept : await unpackBody(kept, length);
  if (body === undefined || !isIt(body)) return 'damaged';
  return decodeEntry(key, head, body) ?? 'damaged';
}
