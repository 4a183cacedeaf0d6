import type { RedisClientType } from '@redis/client';
import type { RedisConnection } from './redis-connection.ts';

export interface Subscription {
  readonly channel: string;
  readonly onMessage: (message: Buffer) => void;
  /** Messages may have been missed. */
  readonly onGap: () => void;
}

/**
 * What we listen to, on a connection of its own: a server drops a listener that is too slow, and that must not cost anyone his commands.
 * Whenever the connection stands again, all is subscribed again and everybody hears of the gap.
 */
export class Subscriptions {
  readonly #connection: RedisConnection;
  readonly #all = new Set<Subscription>();
  #client: RedisClientType | undefined;
  /** Resolves when the connection stood or failed for the first time. */
  readonly #tried: Promise<void>;

  /** @param connect makes the connection; what it is given runs whenever that stands or fails. */
  constructor(
    connect: (
      onUp: (client: RedisClientType) => Promise<void>,
      onDown: () => void,
    ) => RedisConnection,
  ) {
    let tried = (): void => {};
    this.#tried = new Promise((resolve) => (tried = resolve));
    this.#connection = connect(
      (client) => this.#begin(client).finally(tried),
      () => {
        this.#client = undefined;
        tried();
      },
    );
  }

  /** Resolves even if the server cannot be reached: it is subscribed when it can, and then hears of a gap. */
  async add(subscription: Subscription): Promise<() => Promise<void>> {
    await this.#tried;
    this.#all.add(subscription);
    const client = this.#client;
    if (client?.isReady === true) {
      await listen(client, subscription).catch((error: Error) => this.#connection.renew(error));
    }
    return async () => {
      this.#all.delete(subscription);
      const { channel, onMessage } = subscription;
      // A connection that has just broken knows nothing of it any more.
      if (this.#client?.isReady === true) {
        await this.#client.unsubscribe(channel, onMessage, true).catch(() => {});
      }
    };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #begin(client: RedisClientType): Promise<void> {
    this.#client = undefined;
    const all = [...this.#all];
    await Promise.all(all.map((each) => listen(client, each)));
    this.#client = client;
    // Those that came while the others were subscribed.
    const late = [...this.#all].filter((each) => !all.includes(each));
    await Promise.all(late.map((each) => listen(client, each)));
    for (const each of this.#all) each.onGap();
  }
}

function listen(client: RedisClientType, { channel, onMessage }: Subscription): Promise<void> {
  return client.subscribe(channel, onMessage, true);
}
