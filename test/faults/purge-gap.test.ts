import { describe, expect, it } from 'vitest';
import { chat, send, startHouse, until, type House } from '../e2e/harness.ts';
import { hasPostgres, startPostgres } from '../services/postgres-server.ts';
import { hasRedis, startRedis } from '../services/redis-server.ts';

const path = '/v1/chat/completions';

/** What gateways share, and how it is configured. */
interface Shared {
  readonly config: object;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function redis(): Promise<Shared> {
  const server = await startRedis();
  const policies = { response: { levels: ['memory', 'redis', 'disk'] } };
  const config = { redis: { url: server.url, connect: '20s' }, cache: { policies } };
  return { ...server, config };
}

async function postgres(): Promise<Shared> {
  // What it has not written yet when it is killed is lost, so it shall write at once.
  const server = await startPostgres(['fsync=off', 'wal_writer_delay=1ms']);
  const cache = {
    secret: 'one secret of sixteen',
    postgres: { lookup: '5s', store: '20s' },
  };
  const config = { postgres: { url: server.url, connect: '20s' }, cache };
  return {
    config,
    kill: () => server.kill(),
    restart: () => server.start(),
    stop: () => server.stop(),
  };
}

/** A gateway that can write to what it shares. */
async function house(config: never): Promise<House> {
  const started = await startHouse({ config });
  await until(async () => {
    const levels = await started.gateway.assembly.stack.stats();
    return levels.every(({ stats }) => stats !== undefined);
  });
  return started;
}

function ask(house: House, seed: number, headers: Record<string, string> = {}) {
  return send(house.url + path, chat({ temperature: 0, seed }), { headers });
}

async function isStored(house: House, seed: number): Promise<boolean> {
  return (await ask(house, seed, { 'cache-control': 'only-if-cached' })).status === 200;
}

describe.each([
  { name: 'Redis', isHere: hasRedis, start: redis },
  { name: 'PostgreSQL', isHere: hasPostgres, start: postgres },
])('purges of gateways on one $name', ({ isHere, start }) => {
  const test = it.skipIf(!isHere);

  test('reach the memory of the others', async () => {
    const shared = await start();
    try {
      const config = shared.config as never;
      const [one, other] = [await house(config), await house(config)];
      await ask(other, 1, { 'x-economizer-cache-tags': 't1' });
      await ask(other, 2);
      expect([await isStored(other, 1), await isStored(other, 2)]).toEqual([true, true]);
      await until(async () => {
        const { told_others } = await one.gateway.assembly.purger.purge({ tags: ['t1'] });
        return told_others;
      });
      await until(async () => !(await isStored(other, 1)));
      expect(await isStored(other, 2)).toBe(true);
    } finally {
      await shared.stop();
    }
  }, 60_000);

  test('hold at once while it is away, reach the others when it is back, and bring back nothing', async () => {
    const shared = await start();
    try {
      const config = shared.config as never;
      const [one, other] = [await house(config), await house(config)];
      const told: string[] = [];
      one.signals.on('part-failed', ({ part, operation }) => told.push(`${part} ${operation}`));
      for (const seed of [1, 2]) {
        await ask(one, seed, { 'x-economizer-cache-tags': `t${seed}` });
        await one.gateway.assembly.stack.flush();
        await until(() => isStored(other, seed));
      }
      await shared.kill();
      const { told_others } = await one.gateway.assembly.purger.purge({ tags: ['t1'] });
      expect(told_others).toBe(false);
      expect(told).toContain('cache.purges purge');
      expect([await isStored(one, 1), await isStored(one, 2)]).toEqual([false, true]);

      await shared.restart();
      await until(async () => !(await isStored(other, 1)));
      await until(() => isStored(other, 2));
      expect([await isStored(one, 1), await isStored(one, 2)]).toEqual([false, true]);
    } finally {
      await shared.stop();
    }
  }, 60_000);
});
