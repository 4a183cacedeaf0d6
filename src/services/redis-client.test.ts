import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, startRedis, type RedisServer } from '../../test/services/redis-server.ts';
import { connectRedis } from './redis-client.ts';

describe.skipIf(!hasRedis)('a link to Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('sends commands, runs scripts and hears channels', async () => {
    let ready: (() => void) | undefined;
    const isReady = new Promise<void>((resolve) => (ready = resolve));
    const link = connectRedis({
      url: server.url,
      onState: ({ connected }) => connected && ready?.(),
    });
    await isReady;
    expect(await link.send(['SET', 'a', Buffer.from([0, 255])], 1000)).toBe('OK');
    expect(await link.send(['GET', 'a'], 1000)).toEqual(Buffer.from([0, 255]));
    const source = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
    expect(await link.script({ source }, ['n'], ['41'], 1000)).toBe(41);
    expect(await link.script({ source }, ['n'], ['1'], 1000)).toBe(42);
    const heard = new Promise<string>((resolve) => {
      void link
        .subscribe(
          'news',
          (message) => resolve(message.toString()),
          () => {},
        )
        .then(() => link.send(['PUBLISH', 'news', 'hello'], 1000))
        .catch(() => {}); // it may be heard before it is acknowledged
    });
    expect(await heard).toBe('hello');
    await link.close();
  });
});
