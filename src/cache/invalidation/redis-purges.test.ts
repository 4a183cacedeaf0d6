import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, startRedis, type RedisServer } from '../../../test/services/redis-server.ts';
import { connectRedis } from '../../services/redis-client.ts';
import type { RedisLink } from '../../services/redis.ts';
import { everyTenant } from './purge-table.ts';
import { createRedisPurges } from './redis-purges.ts';

describe.skipIf(!hasRedis)('the purges in Redis', () => {
  let server: RedisServer;
  let link: RedisLink;
  beforeAll(async () => {
    server = await startRedis();
    await new Promise<void>((resolve) => {
      link = connectRedis({ url: server.url, onState: (state) => state.connected && resolve() });
    });
  });
  afterAll(async () => {
    await link.close();
    await server.stop();
  });

  const order = (selector: string, more = {}) => ({
    tenant: 'acme',
    selector,
    soft: false,
    before: undefined,
    ...more,
  });

  it('gives out greater and greater versions, whatever the clock', async () => {
    const store = createRedisPurges({ link, prefix: 'a:', deadlineMs: 1000 });
    expect(await store.load()).toEqual([]);
    const [first] = await store.add([order('tag:x')], 0, 1_900_000_000_000);
    const [second] = await store.add([order('tag:y', { soft: true })], 0, 1_700_000_000_000);
    expect(first!.mark.hard).toBe(1_900_000_000_000);
    expect(second!.mark.soft).toBe(1_900_000_000_001);
    const [third] = await store.add([order('tag:x')], 1_950_000_000_000, 5);
    expect(third!.mark.hard).toBe(1_950_000_000_001);
    expect(await store.load()).toEqual(expect.arrayContaining([second, third]));
  });

  it('takes the greater of each number, and forgets what was folded', async () => {
    const store = createRedisPurges({ link, prefix: 'b:', deadlineMs: 1000 });
    await store.add([order('all', { before: 50 })], 0, 100);
    const mark = { hard: 7, hardBefore: 20, soft: 0, softBefore: 0, softBeforeAt: 0 };
    const many = Array.from({ length: 1200 }, (_, index) => ({
      tenant: everyTenant,
      selector: `tag:${index}`,
      mark,
    }));
    await store.keep([{ tenant: 'acme', selector: 'all', mark }, ...many]);
    const lines = await store.load();
    expect(lines).toHaveLength(1201);
    expect(lines.find(({ selector }) => selector === 'all')!.mark).toEqual({
      ...mark,
      hardBefore: 50,
    });
    await store.keep([], many);
    expect(await store.load()).toHaveLength(1);
  });
});
