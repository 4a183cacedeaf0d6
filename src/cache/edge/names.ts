import {
  createHmac,
  createSecretKey,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { everything } from '../invalidation/purge-table.ts';
import type { SecretInUse } from '../shared-secret.ts';
import type { CacheEntry } from '../tier.ts';

/** What the edge is told of: names that nobody without the secret can make or read. */
export class EdgeNames {
  readonly #secret: SecretInUse;
  #known = '';
  #key: KeyObject | undefined;

  constructor(secret: SecretInUse) {
    this.#secret = secret;
  }

  /** What an entry is called in its URL: its key, itself a keyed hash, and a seal that tells keys of the edge from all others. */
  idOf(key: string): string {
    return `${key}.${this.#seal('id', key, idBytes)}`;
  }

  /** The key that an id stands for; undefined where we did not make it. */
  keyOf(id: string): string | undefined {
    const [, key, seal] = idForm.exec(id) ?? [];
    if (key === undefined || seal === undefined) return undefined;
    const expected = this.#seal('id', key, idBytes);
    return timingSafeEqual(Buffer.from(seal), Buffer.from(expected)) ? key : undefined;
  }

  /** What an entry can be purged by at the edge: all that is shared under its name, its key, and each of its labels. */
  surrogateKeys({ key, tags = [] }: CacheEntry, share: string): readonly string[] {
    const selectors = [everything, `key:${key}`, ...tags.slice(0, labelsMax)];
    return selectors.map((selector) => this.surrogateKey(share, selector));
  }

  /** @param selector as in `Purged`. */
  surrogateKey(share: string, selector: string): string {
    return `e${this.#seal('tag', JSON.stringify([share, selector]), tagBytes)}`;
  }

  #seal(kind: string, text: string, bytes: number): string {
    return createHmac('sha256', this.#keyInUse())
      .update(`${kind}\n${text}`)
      .digest()
      .subarray(0, bytes)
      .toString('base64url');
  }

  #keyInUse(): KeyObject {
    const { current } = this.#secret;
    if (this.#key === undefined || current !== this.#known) {
      this.#known = current;
      this.#key = createSecretKey(
        Buffer.from(hkdfSync('sha256', current, '', 'economizer edge', 32)),
      );
    }
    return this.#key;
  }
}

const idBytes = 18;
const tagBytes = 12;
const idForm = /^([\w-]{43})\.([\w-]{24})$/;
/** More labels than the door lets callers give; 64 keys of 17 letters stay far below every limit on a header. */
const labelsMax = 61;
