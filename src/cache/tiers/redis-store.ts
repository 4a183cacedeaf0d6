import type { Answer } from '../../exchange/answer.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { RedisLink, RedisReply } from '../../services/redis.ts';
import type { SecretInUse } from '../shared-secret.ts';
import { bodyPlacesOf, placeOf } from './redis-place.ts';
import { bear, leave, put, remove, replace } from './redis-scripts.ts';
import {
  apartOf,
  expiryOf,
  sealedHeadBytes,
  Sealer,
  sealOf,
  type Apart,
  type SealedBody,
} from './sealed-value.ts';

export interface RedisStoreOptions {
  readonly link: RedisLink;
  /** What all keys of this house begin with. */
  readonly prefix: string;
  readonly secret: SecretInUse;
  /** Of an answer before it is packed. */
  readonly maxEntryBytes: number;
  /** For each act that nobody waits for, in milliseconds. */
  readonly storeMs: number;
  readonly clock: Clock;
  /** Hears what goes wrong with bodies; no entry is lost by it. */
  readonly onFailure: (error: unknown) => void;
}

/** What a value has beside its body at most: seal and head. */
const headBytesMax = sealedHeadBytes + 64 * 1024;
/**
 * Smaller bodies, in bytes as they are kept, stay with their entries: to remember that one was seen takes some 200 bytes, and a body that lies apart
 * costs another 200 and each of its readers a round trip.
 */
const sharedFrom = 2048;
/** Values, in bytes, that wait to be shared; beyond these new ones stay whole. */
const waitingBytesMax = 32 * 1024 * 1024;

/** What lies at a place cannot be an entry, or a body. */
export type Misfit = 'foreign' | 'too large';

/**
 * Entries in Redis, and bodies that several of them bear. An entry is stored whole, and nothing else is needed to read it; only a mark says who has this body.
 * When another entry brings the same, the body is laid apart with a reference from each, and then each entry is put into the form that has no body. So
 * at any moment, whatever fails, an entry is whole or its body is there; what a crash leaves is a reference too many, and references, marks and
 * bodies end with the entries that they are for. A body that Redis had to let go is a miss.
 */
export class RedisStore {
  readonly #options: RedisStoreOptions;
  readonly #bytesMax: number;
  /** Bodies that are being laid apart. */
  readonly #acts = new Set<Promise<unknown>>();
  #waitingBytes = 0;
  #secret = '';
  #sealer: Sealer | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#bytesMax = options.maxEntryBytes + headBytesMax;
  }

  /** With the secret that holds now. */
  get sealer(): Sealer {
    const { current } = this.#options.secret;
    if (this.#sealer === undefined || current !== this.#secret) {
      this.#secret = current;
      this.#sealer = new Sealer(current);
    }
    return this.#sealer;
  }

  /** The value of an entry; undefined: there is none. */
  value(key: string, deadlineMs: number): Promise<Buffer | undefined | Misfit> {
    return this.#read(this.#placeOf(key), deadlineMs);
  }

  /** The body of an entry that lies apart; undefined: it is gone. */
  body({ address }: Apart, deadlineMs: number): Promise<Buffer | undefined | Misfit> {
    const [, place] = bodyPlacesOf(this.#options.prefix, address);
    return this.#read(place, deadlineMs);
  }

  /** @param ttlMs how long it is kept. */
  async put(key: string, value: Buffer, ttlMs: number): Promise<void> {
    const { link, storeMs } = this.#options;
    const args = [value, String(ttlMs)];
    await this.replaced(await link.script(put, [this.#placeOf(key)], args, storeMs));
  }

  /** The body of what an entry took the place of is not the entry's any more. @param extract of that, by the script. */
  async replaced(extract: RedisReply): Promise<void> {
    const old = Buffer.isBuffer(extract) ? apartOf(extract) : undefined;
    if (old !== undefined) await this.#leave(old);
  }

  /**
   * Removes an entry, and its body where no other bears it.
   * @param value the one that is meant; undefined: whichever lies there.
   * @returns when it expires, milliseconds since the epoch; 0: it was none of ours; undefined: there was nothing.
   */
  async remove(key: string, value?: Buffer): Promise<number | undefined> {
    const { link, storeMs } = this.#options;
    const isShort = value === undefined || value.length < sealedHeadBytes;
    const seal = isShort ? '' : sealOf(value);
    const extract = await link.script(remove, [this.#placeOf(key)], [seal], storeMs);
    if (!Buffer.isBuffer(extract)) return undefined;
    await this.replaced(extract);
    return expiryOf(extract) ?? 0;
  }

  /** Removes a body, for all who bear it. */
  async removeBody({ address }: Apart): Promise<void> {
    const { link, prefix, storeMs } = this.#options;
    await link.send(['UNLINK', ...bodyPlacesOf(prefix, address)], storeMs);
  }

  /**
   * Keeps the body of an entry that was put once for all entries that have it; in the background, see `settled`.
   * @param answer what the value was made of.
   */
  share(key: string, value: Buffer, answer: Answer): void {
    if (value.length < sharedFrom || this.#waitingBytes > waitingBytesMax) return;
    this.#waitingBytes += value.length;
    const act = this.#share(key, value, answer)
      .catch((error: unknown) => this.#options.onFailure(error))
      .finally(() => {
        this.#waitingBytes -= value.length;
        this.#acts.delete(act);
      });
    this.#acts.add(act);
  }

  /** Resolves when nothing is being shared any more. */
  async settled(): Promise<void> {
    while (this.#acts.size > 0) await Promise.all(this.#acts);
  }

  async #share(key: string, value: Buffer, answer: Answer): Promise<void> {
    const apart = await this.#takeApart(key, value, answer);
    if (apart === undefined) return;
    const bearer = await this.#bear(apart);
    if (bearer === undefined) return;
    if (bearer !== here) await this.#bear(apart, apart.body.bytes);
    await this.#strip(apart);
    if (bearer !== here) await this.#shareToo(bearer, apart.body);
  }

  /** The entry that had the body alone until now. It may have gone or changed since. */
  async #shareToo(key: string, { address }: SealedBody): Promise<void> {
    const value = await this.value(key, this.#options.storeMs);
    const apart = Buffer.isBuffer(value) ? await this.#takeApart(key, value) : undefined;
    if (apart === undefined || !apart.body.address.equals(address)) return;
    if ((await this.#bear(apart)) === here) await this.#strip(apart);
  }

  async #takeApart(key: string, value: Buffer, made?: Answer): Promise<TakenApart | undefined> {
    const limits = { bytesMin: sharedFrom, bytesMax: this.#options.maxEntryBytes };
    const parts = await this.sealer.takeApart(this.#placeOf(key), value, limits, made);
    return parts && { key, whole: value, ...parts };
  }

  /**
   * Says that an entry has a body. @param bytes the body, where it is to be brought.
   * @returns whether it is `here`; else the key of another entry that has it, if one is known.
   */
  async #bear(
    { key, value, body }: TakenApart,
    bytes: Buffer | '' = '',
  ): Promise<typeof here | string | undefined> {
    const { link, prefix, clock, storeMs } = this.#options;
    // No shorter than the entry lives, by clocks that differ and after an act that took its time.
    const ttlMs = Math.ceil((expiryOf(value) ?? 0) - clock.now()) + storeMs;
    if (ttlMs <= storeMs) return undefined;
    const args = [key, sealOf(value), String(ttlMs), bytes];
    const places = bodyPlacesOf(prefix, body.address);
    try {
      const said = await link.script(bear, places, args, storeMs);
      return said === 1 ? here : said === null ? undefined : String(said);
    } catch (error) {
      if (isWrongKind(error)) await this.removeBody({ address: body.address, seal: value });
      throw error;
    }
  }

  /** Takes the body out of an entry, now that it lies apart. */
  async #strip({ key, whole, value, body }: TakenApart): Promise<void> {
    const { link, storeMs } = this.#options;
    const args = [sealOf(whole), sealOf(value), value];
    // Where this is not answered it may have been done: then the reference stays, and ends by itself.
    const done = await link.script(replace, [this.#placeOf(key)], args, storeMs);
    if (done !== 1) await this.#leave({ address: body.address, seal: sealOf(value) });
  }

  async #leave({ address, seal }: Apart): Promise<void> {
    const { link, prefix, storeMs, onFailure } = this.#options;
    // Else the body ends by itself.
    await link
      .script(leave, bodyPlacesOf(prefix, address), [seal], storeMs)
      .catch((error: unknown) => onFailure(error));
  }

  /** Not GET: whatever lies there, no more of it comes than there may be. */
  async #read(place: string, deadlineMs: number): Promise<Buffer | undefined | Misfit> {
    const words = ['GETRANGE', place, '0', String(this.#bytesMax)];
    try {
      const value = await this.#options.link.send(words, deadlineMs);
      if (!Buffer.isBuffer(value) || value.length === 0) return undefined;
      return value.length > this.#bytesMax ? 'too large' : value;
    } catch (error) {
      if (isWrongKind(error)) return 'foreign';
      throw error;
    }
  }

  #placeOf(key: string): string {
    return placeOf(this.#options.prefix, key);
  }
}

interface TakenApart {
  readonly key: string;
  readonly whole: Buffer;
  readonly value: Buffer;
  readonly body: SealedBody;
}

const here = Symbol('the body lies here');

function isWrongKind(error: unknown): boolean {
  return String(error).includes('WRONGTYPE');
}
