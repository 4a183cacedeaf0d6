import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import { keyHash, looksLikeKey } from './key-text.ts';
import type { KeyName, KeyStore, StoredKey } from './store.ts';
import type { KeyTerms } from './terms.ts';

/** A key of the configuration file. */
export interface ConfiguredKey extends KeyTerms {
  /** SHA-256 of the key, 64 hexadecimal digits in lower case. */
  readonly sha256: string;
}

export interface KeyringOptions {
  readonly configured: readonly ConfiguredKey[];
  readonly store: KeyStore;
  readonly clock: Clock;
  readonly signals: Signals;
}

interface Opening {
  readonly key: KeyTerms & { readonly revokedAt?: number | undefined };
  readonly endsAt: number | undefined;
}

/** The store is asked for changes after so many milliseconds; within them a revocation acts. */
const lookAgainMs = 250;

/**
 * All keys, those of the configuration and those of the store, found by their hash. What the store holds is kept in memory and brought up
 * to date as keys are asked for, at most every 250 milliseconds.
 */
export class Keyring {
  readonly #store: KeyStore;
  readonly #clock: Clock;
  readonly #signals: Signals;
  readonly #configured: ReadonlyMap<string, Opening>;
  readonly #openings = new Map<string, Opening>();
  readonly #stored = new Map<string, StoredKey>();
  #onChange: ((key: KeyName) => void) | undefined;
  #mark = 0;
  #lookedAt = -Infinity;
  #isFailing = false;

  /** @throws EconomizerError `ECO_KEY_STORE`: a gateway that cannot read its keys must not start. */
  constructor({ configured, store, clock, signals }: KeyringOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#signals = signals;
    this.#configured = new Map(
      configured.map((key) => [key.sha256, { key, endsAt: undefined }] as const),
    );
    this.#read();
  }

  /** True where callers must show a key: as soon as there is one, and also when the last one has ended. */
  get isNeeded(): boolean {
    if (this.#configured.size > 0 || this.#stored.size > 0) return true;
    this.look();
    return this.#stored.size > 0;
  }

  /**
   * What a key stands for. Its hash is looked up in a table: what the time taken could tell of the hash tells nothing of the key, and a
   * caller cannot choose the hash that it shows.
   * @throws EconomizerError `ECO_UNAUTHORISED` where this is no key, `ECO_KEY_ENDED` where it has ended.
   */
  find(shown: string | undefined): KeyTerms {
    this.look();
    const opening = this.#openingOf(shown);
    if (opening === undefined) throw unknownKey();
    const { key, endsAt } = opening;
    const now = this.#clock.now();
    if (key.revokedAt !== undefined) throw ended('was revoked');
    if (endsAt !== undefined && endsAt <= now) throw ended('was replaced by a newer one');
    if (key.expiresAt !== undefined && key.expiresAt <= now) throw ended('has expired');
    return key;
  }

  /** When this text stops opening its key, as far as that is known, in milliseconds since the epoch; undefined: as long as the key lives. */
  endOf(shown: string | undefined): number | undefined {
    const opening = this.#openingOf(shown);
    const ends = [opening?.endsAt, opening?.key.expiresAt].filter((end) => end !== undefined);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** From now on tells of each key of the store that is made, changed or ended. */
  watch(onChange: (key: KeyName) => void): void {
    this.#onChange = onChange;
  }

  #openingOf(shown: string | undefined): Opening | undefined {
    const hash = keyHash(shown ?? '');
    return this.#configured.get(hash) ?? this.#openings.get(hash);
  }

  /** Learns what has changed in the store, unless it has just looked. */
  look(): void {
    const now = this.#clock.tick();
    if (now - this.#lookedAt < lookAgainMs) return;
    this.#lookedAt = now;
    try {
      this.#read();
      if (this.#isFailing) this.#signals.emit('part-healed', { part: 'keys' });
      this.#isFailing = false;
    } catch (error) {
      // What cannot be read can hardly be written: no revocation is missed. The keys that are known go on working.
      if (!this.#isFailing) {
        this.#signals.emit('part-failed', { part: 'keys', operation: 'read', error });
      }
      this.#isFailing = true;
    }
  }

  #read(): void {
    const { all, keys, mark } = this.#store.changes(this.#mark);
    this.#mark = mark;
    // Of another file in the place of the first one, what was there before has changed too.
    const gone = all ? [...this.#stored.values()] : [];
    if (all) {
      this.#stored.clear();
      this.#openings.clear();
    }
    for (const key of keys) this.#take(key);
    if (this.#onChange !== undefined) for (const key of [...gone, ...keys]) this.#onChange(key);
  }

  #take(key: StoredKey): void {
    const name = `${key.tenant}\n${key.id}`;
    const before = this.#stored.get(name);
    for (const { sha256 } of before?.secrets ?? []) this.#openings.delete(sha256);
    this.#stored.set(name, key);
    for (const { sha256, endsAt } of key.secrets) this.#openings.set(sha256, { key, endsAt });
  }
}

/** True for a key that was made by a gateway: no provider should ever see it. */
export function isOurs(shown: string | undefined): boolean {
  return shown !== undefined && looksLikeKey(shown);
}

function unknownKey(): EconomizerError {
  return new EconomizerError(
    'ECO_UNAUTHORISED',
    'This gateway does not know the key that came with the request; send one of its own as a bearer token or x-api-key.',
  );
}

/** Only who holds the key learns what became of it. */
function ended(how: string): EconomizerError {
  return new EconomizerError(
    'ECO_KEY_ENDED',
    `The key that came with the request ${how}; ask who runs this gateway for a new one.`,
  );
}
