import { systemClock, type Clock } from '../kernel/clock.ts';
import { PostgresConnection } from './postgres-connection.ts';
import { postgresFault, type PostgresLinkOptions } from './postgres.ts';

export interface PostgresEarOptions extends Omit<
  PostgresLinkOptions,
  'maxConnections' | 'onState'
> {
  /** A name that needs no quotes. */
  readonly channel: string;
  readonly onNotice: (payload: string) => void;
  /** Notices may have been missed: called whenever the connection stands, for the first time or again. */
  readonly onGap: () => void;
  /** Hears why nothing can be heard, once until it can again. */
  readonly onFailure: (error: unknown) => void;
}

/** Hears what `NOTIFY` says on one channel. */
export interface PostgresEar {
  /** Resolves when it was heard for the first time, or could not be. */
  readonly tried: Promise<void>;
  close(): Promise<void>;
}

/** How often a silent server is asked whether it is there, and how long it may take to say so, in milliseconds. */
const pingMs = 1000;
const silentMs = 3000;
const firstPauseMs = 50;
const longestPauseMs = 2000;
const ping = { name: '', text: 'SELECT 1' };

/** Begins to listen and returns at once; the connection is its own and is made again, with growing pauses, whenever it breaks. */
export function listenToPostgres(
  options: PostgresEarOptions,
  clock: Clock = systemClock,
): PostgresEar {
  return new Ear(options, clock);
}

class Ear implements PostgresEar {
  readonly tried: Promise<void>;
  readonly #options: PostgresEarOptions;
  readonly #clock: Clock;
  readonly #running: Promise<void>;
  #tell: () => void = () => {};
  #isClosed = false;
  #isDeaf = false;
  /** Ends what the loop waits for. */
  #wake: () => void = () => {};

  constructor(options: PostgresEarOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.tried = new Promise((resolve) => (this.#tell = resolve));
    this.#running = this.#run();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    return this.#running;
  }

  async #run(): Promise<void> {
    for (let tries = 0; !this.#isClosed; tries++) {
      try {
        const lost = Promise.withResolvers<Error>();
        const connection = await this.#open(lost.resolve);
        tries = 0;
        this.#isDeaf = false;
        this.#options.onGap();
        this.#tell();
        throw await this.#watch(connection, lost.promise);
      } catch (error) {
        if (!this.#isDeaf && !this.#isClosed) this.#options.onFailure(error);
        this.#isDeaf = true;
        this.#tell();
      }
      const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** tries);
      // Jitter, so that the gateways of a house do not come back in step.
      if (!this.#isClosed) await this.#pause(longest * (0.5 + Math.random() / 2));
    }
  }

  #open(onLost: (error: Error) => void): Promise<PostgresConnection> {
    const { channel, onNotice, prepare } = this.#options;
    const options: PostgresLinkOptions = {
      ...this.#options,
      maxConnections: 1,
      async prepare(query) {
        await prepare?.(query);
        await query({ name: '', text: `LISTEN ${channel}` });
      },
    };
    return PostgresConnection.open(
      options,
      this.#clock,
      (_connection, error) => onLost(error),
      (of, payload) => of === channel && onNotice(payload),
    );
  }

  /** Resolves when the connection is lost; a server that is silent for too long counts as that. */
  async #watch(connection: PostgresConnection, lost: Promise<Error>): Promise<Error> {
    const fate: { error?: Error } = {};
    const ended = lost.then((error) => {
      fate.error = error;
      this.#wake();
    });
    while (fate.error === undefined && !this.#isClosed) {
      await this.#pause(pingMs);
      if (fate.error !== undefined || this.#isClosed) break;
      const cancel = this.#clock.after(silentMs, () =>
        connection.lose(postgresFault(`PostgreSQL has not answered for ${silentMs} ms.`)),
      );
      await Promise.race([connection.query(ping).catch(() => {}), ended]);
      cancel();
    }
    if (fate.error === undefined) await connection.end();
    return fate.error ?? postgresFault('The connection to PostgreSQL was closed.');
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
