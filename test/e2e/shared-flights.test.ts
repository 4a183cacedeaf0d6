import { hash } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import {
  chat,
  send,
  startHouse,
  until,
  type Answer,
  type House,
  type HouseOptions,
} from './harness.ts';

const path = '/v1/chat/completions';

describe.skipIf(!hasRedis)('a flight of several gateways', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(() => server.resume());
  afterAll(() => server.stop());

  /** Two gateways before one provider. */
  async function pair(
    { config, ...options }: HouseOptions = {},
    // On a machine that is very busy Redis takes longer than a lookup may by default, and then there is no sharing.
    { lookup = '5s', ...flights }: { wait?: string; lease?: string; lookup?: string } = {},
  ): Promise<readonly [House, House]> {
    const first = await startHouse({
      ...options,
      config: { ...config, redis: { url: server.url }, cache: { flights, redis: { lookup } } },
    });
    const second = await startHouse({
      config: {
        ...config,
        redis: { url: server.url },
        cache: { flights, redis: { lookup } },
        providers: { openai: { kind: 'openai', base_url: `${first.provider.url}/v1` } },
      },
    });
    return [first, second];
  }

  it.each([true, false])(
    'makes one call of a thousand at once (streaming: %s)',
    async (stream) => {
      const [first, second] = await pair({
        provider: { firstByteMs: 300, gapMs: 1, answer: () => ({ text: 'word '.repeat(50) }) },
      });
      const body = chat({ temperature: 0, stream, seed: Number(stream) });
      const asked = Array.from({ length: 1000 }, (_, index) =>
        send((index % 2 === 0 ? first : second).url + path, body),
      );
      const answers = await Promise.all(asked);
      expect(first.provider.calls).toHaveLength(1);
      expect(new Set(answers.map((answer) => answer.body.toString())).size).toBe(1);
      expect(answers.every(({ status, broken }) => status === 200 && !broken)).toBe(true);
      await until(() => first.rows.length + second.rows.length === 1000);
      const rows = [...first.rows, ...second.rows];
      const paid = rows.filter((row) => (row.costNanos ?? 0) > 0);
      expect(paid).toHaveLength(1);
      // On a busy machine some come when it has landed, and are served as hits.
      const spared = rows.filter((row) => row.savedNanos === paid[0]!.costNanos);
      expect(spared).toHaveLength(999);
      expect(second.rows.filter((row) => row.savedBy === 'coalescing').length).toBeGreaterThan(0);
    },
    30_000,
  );

  it('never shares across tenants', async () => {
    const body = chat({ temperature: 0, seed: 3 });
    const tenants = ['one', 'two'];
    const keys = tenants.map((tenant) => ({
      id: tenant,
      tenant,
      sha256: hash('sha256', `eco-${tenant}`),
    }));
    const [first, second] = await pair({
      provider: { firstByteMs: 300 },
      config: { access: { keys } },
    });
    const asked: Promise<Answer>[] = [];
    for (const house of [first, second]) {
      for (const tenant of tenants) {
        const headers = { authorization: `Bearer eco-${tenant}` };
        asked.push(send(house.url + path, body, { headers }));
      }
    }
    const answers = await Promise.all(asked);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(first.provider.calls).toHaveLength(2);
  });

  it('lets followers go at once where the leader is given nothing to share', async () => {
    const [first, second] = await pair({ provider: { firstByteMs: 400 } });
    first.provider.failNext({ kind: 'status', status: 500 });
    const body = chat({ temperature: 0, seed: 5 });
    const led = send(first.url + path, body);
    await until(() => first.provider.calls.length === 1);
    const followed = await send(second.url + path, body);
    expect((await led).status).toBe(500);
    expect(followed.status).toBe(200);
    expect(first.provider.calls).toHaveLength(2);
  });

  it('is taken over when all callers of the leader have left', async () => {
    const [first, second] = await pair({ provider: { firstByteMs: 800 } });
    const body = chat({ temperature: 0, stream: true, seed: 6 });
    const leaving = request(first.url + path, { method: 'POST' });
    leaving.on('error', () => {});
    leaving.end(body);
    await until(() => first.provider.calls.length === 1);
    const followed = send(second.url + path, body);
    setTimeout(() => leaving.destroy(), 200);
    expect((await followed).status).toBe(200);
    expect(first.provider.calls).toHaveLength(2);
  });

  it('goes on locally when Redis stops under it, and nobody waits for that', async () => {
    const [first, second] = await pair(
      { provider: { firstByteMs: 600 } },
      { wait: '20s', lookup: '20ms' },
    );
    const body = chat({ temperature: 0, seed: 9 });
    const led = send(first.url + path, body);
    await until(() => first.provider.calls.length === 1);
    const from = performance.now();
    const followed = send(second.url + path, body);
    setTimeout(() => server.pause(), 100);
    expect((await Promise.all([led, followed])).map(({ status }) => status)).toEqual([200, 200]);
    expect(performance.now() - from).toBeLessThan(5000);
  }, 30_000);

  it('lets a follower go by itself once it has waited long enough', async () => {
    const [first, second] = await pair({ provider: { firstByteMs: 1500 } }, { wait: '200ms' });
    const body = chat({ temperature: 0, seed: 4 });
    const led = send(first.url + path, body);
    await until(() => first.provider.calls.length === 1);
    const followed = send(second.url + path, body);
    await until(() => first.provider.calls.length === 2);
    expect((await Promise.all([led, followed])).map(({ status }) => status)).toEqual([200, 200]);
  });
});
