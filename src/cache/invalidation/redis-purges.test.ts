import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
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

  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);

  const order = (selector: string, more = {}) => ({
    tenant: 'acme',
    selector,
    soft: false,
    before: undefined,
    ...more,
  });

  it('gives out greater and greater versions, whatever the clock', async () => {
    const store = createRedisPurges({ link, prefix: 'a:', deadlineMs: 1000, onFailure });
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
    const store = createRedisPurges({ link, prefix: 'b:', deadlineMs: 1000, onFailure });
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

  it('tells the others what has changed, and whoever speaks not', async () => {
    const [one, other] = [0, 1].map(() =>
      createRedisPurges({ link, prefix: 'c:', deadlineMs: 1000, onFailure }),
    );
    const heard: string[] = [];
    const listening = [one!, other!].map((store, index) =>
      store.listen(
        (lines) => heard.push(...lines.map(({ selector }) => `${index} ${selector}`)),
        () => heard.push(`${index} gap`),
      ),
    );
    await Promise.all(listening.map(({ tried }) => tried));
    expect(heard.toSorted()).toEqual(['0 gap', '1 gap']);
    heard.length = 0;

    const lines = await one!.add([order('tag:x')], 0, 100);
    await other!.add([order('tag:y')], 0, 100);
    // What another gateway purged while Redis was away, beside what is known.
    const mark = { hard: 7, hardBefore: 20, soft: 0, softBefore: 0, softBeforeAt: 0 };
    await other!.keep([...lines, { tenant: 'acme', selector: 'tag:late', mark }]);
    await link.send(['PUBLISH', 'c:purges', 'not ours'], 1000).catch(() => {});
    await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(5));
    expect(heard).toEqual(['1 tag:x', '0 tag:y', '0 tag:late', '0 gap', '1 gap']);
    expect(failures).toHaveLength(2);
    for (const each of listening) each.end();
  });
});
