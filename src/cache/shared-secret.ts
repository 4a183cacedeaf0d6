import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { RedisLink } from '../services/redis.ts';

/** The secret that keys and seals are made with. It may change once: from this installation's own to the one that gateways share. */
export interface SecretInUse {
  readonly current: string;
}

export interface SharedSecretOptions {
  /** This installation's own, which holds where nothing better is known. */
  readonly own: string;
  readonly link: RedisLink;
  /** What all keys of this house begin with. */
  readonly prefix: string;
  readonly clock: Clock;
  /** The gateways have another secret, and from now on so have we. */
  readonly onAdopted: (secret: string) => void;
  readonly onFailure: (error: unknown) => void;
}

const deadlineMs = 1000;
/** How often it is put back where it has gone: the server may have been emptied, or have let it go for want of memory. */
const careMs = 60_000;
const wellFormed = /^[\w-]{43}$/;

/**
 * A secret that gateways agree on through Redis: the first one's own. It keeps their values apart from those of other programs, and
 * their houses from each other; it does not keep anything from somebody who can read that Redis. Who needs that configures one.
 */
export class SharedSecret implements SecretInUse {
  readonly #options: SharedSecretOptions;
  #current: string;
  #cancelCare: (() => void) | undefined;

  constructor(options: SharedSecretOptions) {
    this.#options = options;
    this.#current = options.own;
  }

  get current(): string {
    return this.#current;
  }

  /** Call it whenever the connection stands. Never rejects; false where the gateways could not be asked. */
  async agree(): Promise<boolean> {
    const { link, prefix, clock, onAdopted, onFailure } = this.#options;
    this.#cancelCare?.();
    this.#cancelCare = clock.after(careMs, () => void this.agree());
    const place = `${prefix}secret`;
    try {
      const [, found] = await Promise.all([
        link.send(['SET', place, this.#current, 'NX'], deadlineMs),
        link.send(['GET', place], deadlineMs),
      ]);
      const secret = String(found);
      if (!wellFormed.test(secret)) throw notOurs(place);
      if (secret === this.#current) return true;
      this.#current = secret;
      onAdopted(secret);
      return true;
    } catch (error) {
      onFailure(error);
      return false;
    }
  }

  close(): void {
    this.#cancelCare?.();
    this.#cancelCare = undefined;
  }
}

function notOurs(place: string): EconomizerError {
  return new EconomizerError(
    'ECO_CACHE_VALUE',
    `What lies under ${place} in Redis is not a secret of ours; delete it, or set redis.prefix to a name that nobody else uses.`,
  );
}
