import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type PostgresServer } from '../services/postgres-server.ts';
import { chat, send, startHouse, until } from './harness.ts';

const path = '/v1/chat/completions';

describe.skipIf(!hasPostgres)('gateways on one PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres(['fsync=off']);
  }, 60_000);
  afterAll(() => server.stop());

  /** A busy machine may keep PostgreSQL waiting for longer than a lookup may take by default. */
  const configWith = (more: object = {}) => ({
    postgres: { url: server.url, connect: '20s' },
    cache: {
      secret: 'one secret of sixteen',
      disk: { enabled: false },
      postgres: { lookup: '5s', store: '20s' },
      ...more,
    },
  });

  async function house(config: object = configWith()) {
    const started = await startHouse({ config });
    const { stack } = started.gateway.assembly;
    await until(async () => {
      const reports = await stack.stats();
      return reports.every(({ stats }) => stats !== undefined);
    }, 30_000);
    return started;
  }

  it('share answers that have the same secret, streamed or not', async () => {
    const [one, other] = [await house(), await house()];
    for (const stream of [false, true]) {
      const body = chat({ temperature: 0, stream, seed: Number(stream) });
      const first = await send(one.url + path, body);
      await one.gateway.assembly.stack.flush();
      const again = await send(other.url + path, body);
      expect(again.headers['cache-status']).toMatch(/hit; ttl=\d+; detail=l3-postgres$/);
      expect(again.body.equals(first.body)).toBe(true);
      const third = await send(other.url + path, body);
      expect(third.headers['cache-status']).toMatch(/detail=l1$/);
    }
    expect(other.provider.calls).toHaveLength(0);
    await until(() => other.rows.length === 4);
    const sources = other.rows.map(({ source }) => source);
    expect(sources).toEqual(['l3-postgres', 'l1', 'l3-postgres', 'l1']);
  }, 60_000);

  it('is used by policies that name it, and by the built-in ones where the disk is', async () => {
    const policies = { own: { levels: ['memory'] } };
    const rules = [{ policy: 'own', agent: 'alone' }];
    const one = await house(configWith({ policies, rules, disk: { enabled: true } }));
    const rows = (): number => Number(server.sql('SELECT count(*) FROM economizer.cache_entries'));
    const before = rows();
    const body = chat({ temperature: 0, seed: 11 });
    await send(one.url + path, body, { headers: { 'x-economizer-agent': 'alone' } });
    await one.gateway.assembly.stack.flush();
    expect(rows()).toBe(before);
    await send(one.url + path, chat({ temperature: 0, seed: 12 }));
    await one.gateway.assembly.stack.flush();
    expect(rows()).toBe(before + 1);
  }, 60_000);
});
