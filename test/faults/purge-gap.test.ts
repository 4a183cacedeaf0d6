import { describe, expect, it } from 'vitest';
import { chat, send, startHouse, type House } from '../e2e/harness.ts';
import { hasRedis, startRedis } from '../services/redis-server.ts';

const path = '/v1/chat/completions';

function ask(house: House, seed: number, headers: Record<string, string> = {}) {
  return send(house.url + path, chat({ temperature: 0, seed }), { headers });
}

async function isStored(house: House, seed: number): Promise<boolean> {
  return (await ask(house, seed, { 'cache-control': 'only-if-cached' })).status === 200;
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 50));

describe.skipIf(!hasRedis)('purges while Redis is away', () => {
  it('hold here at once, reach the others when it is back, and bring back nothing', async () => {
    const server = await startRedis();
    try {
      const config = {
        redis: { url: server.url },
        cache: { policies: { response: { levels: ['memory', 'redis', 'disk'] } } },
      } as never;
      const [one, other] = [await startHouse({ config }), await startHouse({ config })];
      const told: string[] = [];
      one.signals.on('part-failed', ({ part, operation }) => told.push(`${part} ${operation}`));
      for (const seed of [1, 2]) {
        await ask(one, seed, { 'x-economizer-cache-tags': `t${seed}` });
        await one.gateway.assembly.stack.flush();
        expect(await isStored(other, seed)).toBe(true);
      }
      await server.kill();
      const { told_others } = await one.gateway.assembly.purger.purge({ tags: ['t1'] });
      expect(told_others).toBe(false);
      expect(told).toContain('cache.purges purge');
      expect([await isStored(one, 1), await isStored(one, 2)]).toEqual([false, true]);

      await server.restart();
      for (let turn = 0; (await isStored(other, 1)) && turn < 200; turn++) await moment();
      expect([await isStored(other, 1), await isStored(other, 2)]).toEqual([false, true]);
      expect([await isStored(one, 1), await isStored(one, 2)]).toEqual([false, true]);
    } finally {
      await server.stop();
    }
  }, 30_000);
});
