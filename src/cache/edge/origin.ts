import type { Clock } from '../../kernel/clock.ts';
import { digestOf } from '../../kernel/digest.ts';
import type { SecretInUse } from '../shared-secret.ts';
import type { CacheStack } from '../stack.ts';
import { Sealer } from '../tiers/sealed-value.ts';
import type { CacheEntry } from '../tier.ts';
import type { EdgeNames } from './names.ts';
import { shareOf } from './public.ts';

/** A stored answer as the edge gets it. Times in milliseconds, from now on. */
export interface EdgeAnswer {
  /** Sealed: what others read through the edge is ours or none. */
  readonly body: Buffer;
  /** Another for each answer, the same for the same one. */
  readonly version: string;
  readonly freshMs: number;
  /** How long after that it may still be of use. */
  readonly staleMs: number;
  readonly surrogateKeys: readonly string[];
}

export interface EdgeOriginOptions {
  readonly stack: Pick<CacheStack, 'find'>;
  readonly names: EdgeNames;
  readonly secret: SecretInUse;
  /** Names of the tiers that are asked: all but the edge, so that the edge never asks itself. */
  readonly levels: ReadonlySet<string>;
  readonly clock: Clock;
}

/** The place of an answer at the edge, which its seal is bound to. */
export function edgePlace(key: string): string {
  return `edge:${key}`;
}

/** What the edge fetches from: the stored answers that are public, and no others. */
export class EdgeOrigin {
  readonly #options: EdgeOriginOptions;
  readonly #sealers = new Sealers();

  constructor(options: EdgeOriginOptions) {
    this.#options = options;
  }

  /** The answer of this name. Undefined, with no difference to see, where there is none, where it is private and where the name is none of ours. */
  async find(id: string): Promise<EdgeAnswer | undefined> {
    const { stack, names, levels, clock, secret } = this.#options;
    const key = names.keyOf(id);
    if (key === undefined) return undefined;
    const found = await stack.find(key, { levels });
    const share = found && shareOf(found.entry);
    if (found === undefined || share === undefined) return undefined;
    const { entry } = found;
    const freshMs = entry.freshUntil - clock.now();
    // What is past its time may still be of use to who has it, but is not given out anew.
    if (freshMs < 1000) return undefined;
    return {
      body: await this.#sealers.of(secret.current).seal(edgePlace(key), entry),
      version: versionOf(entry),
      freshMs,
      staleMs: Math.max(0, entry.staleUntil - entry.freshUntil),
      surrogateKeys: names.surrogateKeys(entry, share),
    };
  }
}

/** The sealer of the secret in use, which may change once. */
export class Sealers {
  #secret: string | undefined;
  #sealer: Sealer | undefined;

  of(secret: string): Sealer {
    if (this.#sealer === undefined || secret !== this.#secret) {
      this.#secret = secret;
      this.#sealer = new Sealer(secret);
    }
    return this.#sealer;
  }
}

function versionOf({ key, storedAt, freshUntil, staleUntil, epoch }: CacheEntry): string {
  return digestOf(JSON.stringify([key, storedAt, freshUntil, staleUntil, epoch])).slice(0, 22);
}
