import { createClient, RESP_TYPES } from '@redis/client';
import { hash } from 'node:crypto';
import {
  redisFault,
  type RedisArgument,
  type RedisLink,
  type RedisLinkOptions,
  type RedisReply,
  type RedisScript,
} from './redis.ts';

const asBytes = {
  typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer },
} as const;

const longestPauseMs = 2000;

/** Begins to connect and returns at once; until the connection stands, commands are refused. */
export function connectRedis(options: RedisLinkOptions): RedisLink {
  const { url, connectMs = 2000, onState } = options;
  const open = () =>
    createClient({
      url,
      disableOfflineQueue: true,
      socket: {
        connectTimeout: connectMs,
        reconnectStrategy: (tries: number) => Math.min(50 * 2 ** tries, longestPauseMs),
      },
    });
  const client = open();
  let lastError: Error | undefined;
  client.on('error', (error: Error) => {
    lastError = error;
    onState?.({ connected: false, error });
  });
  client.on('ready', () => onState?.({ connected: true }));
  // A connection that cannot be made is told through `error`, and tried again.
  void client.connect().catch(() => {});
  const subscribers = new Set<ReturnType<typeof open>>();

  const within = async (promise: Promise<unknown>, deadlineMs: number): Promise<RedisReply> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(redisFault(`Redis did not answer within ${deadlineMs} ms.`)),
        deadlineMs,
      );
      timer.unref();
    });
    try {
      return (await Promise.race([promise, late])) as RedisReply;
    } finally {
      clearTimeout(timer);
    }
  };

  const send = async (args: readonly RedisArgument[], deadlineMs: number): Promise<RedisReply> => {
    if (!client.isReady) throw redisFault('Redis cannot be reached just now.', lastError);
    try {
      return await within(client.sendCommand([...args], asBytes), deadlineMs);
    } catch (cause) {
      throw redisFault(
        `Redis failed: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause,
      );
    }
  };

  const script = async (
    { source }: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
    deadlineMs: number,
  ): Promise<RedisReply> => {
    const tail = [String(keys.length), ...keys, ...args];
    try {
      return await send(['EVALSHA', hash('sha1', source), ...tail], deadlineMs);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('NOSCRIPT')) throw error;
      return send(['EVAL', source, ...tail], deadlineMs);
    }
  };

  return {
    get connected() {
      return client.isReady;
    },
    send,
    script,
    async subscribe(channel, onMessage, onGap) {
      const subscriber = open();
      subscribers.add(subscriber);
      subscriber.on('error', () => onGap());
      subscriber.on('ready', () => onGap());
      void subscriber.connect().catch(() => {});
      await subscriber.subscribe(channel, (message: Buffer) => onMessage(message), true);
      return async () => {
        subscribers.delete(subscriber);
        subscriber.destroy();
      };
    },
    async close() {
      for (const subscriber of subscribers) subscriber.destroy();
      client.destroy();
    },
  };
}
