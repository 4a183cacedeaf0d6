import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createEconomizer } from '../../src/index.ts';
import { hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import { chat, send, startHouse, temporaryFolder, until } from './harness.ts';

const path = '/v1/chat/completions';
/** A busy machine may keep Redis waiting for longer than a lookup may take by default. */
const patient = { lookup: '5s', store: '5s' };

describe.skipIf(!hasRedis)('gateways on one Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('share answers without being told a secret', async () => {
    const config = { redis: { url: server.url }, cache: { redis: patient } };
    const [one, other] = [await startHouse({ config }), await startHouse({ config })];
    for (const stream of [false, true]) {
      const body = chat({ temperature: 0, stream, seed: Number(stream) });
      const first = await send(one.url + path, body);
      await one.gateway.assembly.stack.flush();
      const again = await send(other.url + path, body);
      expect(again.headers['cache-status']).toMatch(/^economizer; hit; ttl=\d+; detail=l2$/);
      expect(again.body.equals(first.body)).toBe(true);
      const third = await send(other.url + path, body);
      expect(third.headers['cache-status']).toMatch(/detail=l1$/);
    }
    expect(other.provider.calls).toHaveLength(0);
    await until(() => other.rows.length === 4);
    expect(other.rows.map(({ source }) => source)).toEqual(['l2', 'l1', 'l2', 'l1']);
  });

  it('know their secret again when they start without Redis', async () => {
    const redis = { url: server.url };
    const first = await startHouse({ config: { redis } });
    const data = temporaryFolder();
    const second = await startHouse({ config: { redis, data } });
    const { current } = first.gateway.assembly.shared!.secret;
    expect(second.gateway.assembly.shared!.secret.current).toBe(current);
    expect(readFileSync(join(data, 'secret'), 'utf8')).toBe(current);
  });

  it('are shared by the toolkit from its first call', async () => {
    const first = await startHouse({
      config: { redis: { url: server.url }, cache: { redis: patient } },
    });
    const body = chat({ temperature: 0, seed: 6 });
    await send(first.url + path, body);
    await first.gateway.assembly.stack.flush();
    const economizer = createEconomizer({
      data: temporaryFolder(),
      redis: { url: server.url },
      cache: { redis: patient },
      providers: {
        openai: { kind: 'openai', base_url: `${first.provider.url}/v1`, api_key: 'sk-gateway' },
      },
    });
    onTestFinished(() => economizer.close());
    const answer = await economizer.fetch(`${first.provider.url}${path}`, { method: 'POST', body });
    expect(answer.headers.get('cache-status')).toMatch(/detail=l2$/);
  });

  it('share nothing where their secrets or their prefixes differ', async () => {
    const body = chat({ temperature: 0, seed: 7 });
    const houses = [
      { redis: { url: server.url }, cache: { secret: 'one secret of sixteen' } },
      { redis: { url: server.url }, cache: { secret: 'another one of sixteen' } },
      { redis: { url: server.url, prefix: 'other:' } },
    ];
    for (const config of houses) {
      const { url, provider, gateway } = await startHouse({ config });
      await send(url + path, body);
      await gateway.assembly.stack.flush();
      expect(provider.calls).toHaveLength(1);
    }
  });

  it('ask their levels in the order that is configured', async () => {
    const config = {
      redis: { url: server.url },
      cache: { order: ['redis' as const], redis: patient },
    };
    const { url, gateway } = await startHouse({ config });
    const body = chat({ temperature: 0, seed: 8 });
    await send(url + path, body);
    await gateway.assembly.stack.flush();
    const again = await send(url + path, body);
    expect(again.headers['cache-status']).toMatch(/detail=l2$/);
  });
});
