import type { Keyring } from '../access/keyring.ts';
import type { KeyName } from '../access/store.ts';
import { everyQuery, queriesOf } from '../cache/edge/public-answers.ts';
import type { PurgeTarget } from '../cache/invalidation/purge-target.ts';
import { everyTenant } from '../cache/invalidation/purge-table.ts';
import type { Clock } from '../kernel/clock.ts';

interface KeyEndingsOptions {
  readonly keyring: Pick<Keyring, 'look' | 'watch'>;
  readonly keptQueries: PurgeTarget;
  readonly clock: Clock;
}

/** The store of the keys is looked at so often, even while no call comes through: the edge may be answering them all. */
const lookEveryMs = 500;

/** Takes out of the edge what it goes on answering to a key that has been revoked, rotated or changed. */
export class KeyEndings {
  readonly #options: KeyEndingsOptions;
  #stop: (() => void) | undefined;

  constructor(options: KeyEndingsOptions) {
    this.#options = options;
  }

  /** Also takes out everything that was kept before: keys and policies may be others now. */
  start(): void {
    this.#purge({ tenant: everyTenant, selector: everyQuery }, true);
    this.#options.keyring.watch((key: KeyName) => {
      this.#purge({ tenant: key.tenant, selector: queriesOf(key) });
    });
    this.#next();
  }

  close(): void {
    this.#stop?.();
  }

  #next(): void {
    const { clock, keyring } = this.#options;
    this.#stop = clock.after(lookEveryMs, () => {
      keyring.look();
      this.#next();
    });
  }

  #purge(selected: { readonly tenant: string; readonly selector: string }, once = false): void {
    // What the edge could not be told is told again, and the log says so.
    this.#options.keptQueries.purge([selected], { soft: false, once }).catch(() => {});
  }
}
