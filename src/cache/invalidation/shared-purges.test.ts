import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasPostgres, startPostgres } from '../../../test/services/postgres-server.ts';
import { hasRedis, startRedis } from '../../../test/services/redis-server.ts';
import { listenToPostgres } from '../../services/postgres-ear.ts';
import { connectPostgres } from '../../services/postgres-pool.ts';
import { connectRedis } from '../../services/redis-client.ts';
import type { RedisLink } from '../../services/redis.ts';
import { preparePurges, purgeTablesIn } from './postgres-purge-tables.ts';
import { createPostgresPurges } from './postgres-purges.ts';
import type { SharedPurgeStore } from './purge-store.ts';
import { everyTenant, everythingShared } from './purge-table.ts';
import { createRedisPurges } from './redis-purges.ts';

/** A store that gateways share. */
interface Driver {
  /** @param name of the installation: another one shares nothing with it. */
  open(name: string): SharedPurgeStore;
  /** Says something on its channel that is none of ours. */
  babble(name: string): Promise<unknown>;
  /** What could not be heard. */
  readonly failures: unknown[];
  stop(): Promise<void>;
}

async function inRedis(): Promise<Driver> {
  const server = await startRedis();
  const link = await new Promise<RedisLink>((resolve) => {
    const connecting: RedisLink = connectRedis({
      url: server.url,
      onState: ({ connected }) => connected && resolve(connecting),
    });
  });
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  return {
    failures,
    open: (name) => createRedisPurges({ link, prefix: `${name}:`, deadlineMs: 5000, onFailure }),
    babble: (name) => link.send(['PUBLISH', `${name}:purges`, 'not ours'], 5000),
    async stop() {
      await link.close();
      await server.stop();
    },
  };
}

async function inPostgres(): Promise<Driver> {
  const server = await startPostgres(['fsync=off']);
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const place = { host: '127.0.0.1', port: server.port, user: 'house', database: 'postgres' };
  const stores: SharedPurgeStore[] = [];
  return {
    failures,
    open(name) {
      const tables = purgeTablesIn(name);
      const settings = {
        ...place,
        connectMs: 20_000,
        deadlineMs: 20_000,
        prepare: (query: Parameters<typeof preparePurges>[0]) => preparePurges(query, tables),
      };
      const { channel } = tables;
      const store = createPostgresPurges({
        link: connectPostgres({ ...settings, maxConnections: 1 }),
        listen: (hears) => listenToPostgres({ ...settings, channel, onFailure, ...hears }),
        tables,
        onFailure,
      });
      stores.push(store);
      return store;
    },
    babble: (name) => Promise.resolve(server.sql(`NOTIFY economizer_${name}_purges, 'not ours'`)),
    async stop() {
      for (const store of stores) await store.close();
      await server.stop();
    },
  };
}

const order = (selector: string, more = {}) => ({
  tenant: 'acme',
  selector,
  soft: false,
  before: undefined,
  ...more,
});
const mark = { hard: 7, hardBefore: 20, soft: 0, softBefore: 0, softBeforeAt: 0 };

describe.each([
  { name: 'Redis', isHere: hasRedis, start: inRedis },
  { name: 'PostgreSQL', isHere: hasPostgres, start: inPostgres },
])('the purges in $name', ({ isHere, start }) => {
  let driver: Driver;
  if (isHere) {
    beforeAll(async () => {
      driver = await start();
    }, 60_000);
    afterAll(() => driver.stop());
  }
  const test = it.skipIf(!isHere);

  /** Of an installation of its own; undefined until it can be asked. */
  async function opened(name: string): Promise<SharedPurgeStore> {
    const store = driver.open(name);
    await vi.waitFor(() => store.load(), { timeout: 20_000 });
    return store;
  }

  test('have greater and greater versions, whatever the clock', async () => {
    const store = await opened('a');
    expect(await store.load()).toEqual([]);
    const [first] = await store.add([order('tag:x')], 0, 1_900_000_000_000);
    const [second] = await store.add([order('tag:y', { soft: true })], 0, 1_700_000_000_000);
    expect(first!.mark.hard).toBe(1_900_000_000_000);
    expect(second!.mark.soft).toBe(1_900_000_000_001);
    const [third] = await store.add([order('tag:x'), order('tag:x')], 1_950_000_000_000, 5);
    expect(third!.mark.hard).toBe(1_950_000_000_001);
    const lines = await store.load();
    expect(lines).toHaveLength(2);
    expect(lines).toEqual(expect.arrayContaining([second, third]));
  });

  test('take the greater of each number, and forget what was folded', async () => {
    const store = await opened('b');
    await store.add([order('all', { before: 50.5 })], 0, 100);
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
      hardBefore: 50.5,
    });
    await store.keep([], many);
    expect(await store.load()).toHaveLength(1);
    await store.keep([]);
    expect(await store.load()).toHaveLength(1);
  });

  test('are begun by one of several gateways that find none', async () => {
    const [one, other] = [await opened('d'), await opened('d')];
    const beginning = order(everythingShared, { tenant: everyTenant });
    await one.add([beginning], 0, 100);
    const begun = await one.load();
    await other.add([beginning], 0, 200);
    expect(await other.load()).toEqual(begun);
  });

  test('tell the others what has changed, and whoever speaks not', async () => {
    const [one, other] = [await opened('c'), await opened('c')];
    const heard = new Set<string>();
    const listening = [one, other].map((store, index) =>
      store.listen(
        (lines) => lines.forEach(({ selector }) => heard.add(`${index} ${selector}`)),
        () => heard.add(`${index} gap`),
      ),
    );
    await Promise.all(listening.map(({ tried }) => tried));
    expect([...heard].toSorted()).toEqual(['0 gap', '1 gap']);
    heard.clear();

    const lines = await one.add([order('tag:x')], 0, 100);
    await vi.waitFor(() => expect([...heard]).toEqual(['1 tag:x']), { timeout: 5000 });
    // What another gateway purged while nobody could be asked, beside what is known.
    await other.keep([...lines, { tenant: 'acme', selector: 'tag:late', mark }]);
    await vi.waitFor(() => expect([...heard]).toContain('0 tag:late'), { timeout: 5000 });
    expect([...heard].filter((each) => each.startsWith('1'))).toEqual(['1 tag:x']);
    await driver.babble('c');
    await other.add([order('tag:y')], 0, 100);
    await vi.waitFor(() => expect([...heard]).toContain('0 tag:y'), { timeout: 5000 });
    for (const each of listening) each.end();
  });
});
