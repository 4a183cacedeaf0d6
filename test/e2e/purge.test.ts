import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { hasRedis, startRedis } from '../services/redis-server.ts';
import { chat, send, startHouse, temporaryFolder, until, type House } from './harness.ts';

const path = '/v1/chat/completions';
const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

function ask(house: House, extra: object = {}, headers: Record<string, string> = {}) {
  return send(house.url + path, chat({ temperature: 0, ...extra }), { headers });
}

async function isStored(...asked: Parameters<typeof ask>): Promise<boolean> {
  const [house, extra, headers] = asked;
  const only = { ...headers, 'cache-control': 'only-if-cached' };
  return (await ask(house, extra, only)).status === 200;
}

/** `economizer purge` as another process would run it. */
async function purge(house: House, ...words: string[]) {
  const file = join(temporaryFolder(), 'economizer.yaml');
  const { dataDirectory, redis } = house.config;
  const shared = redis?.url === undefined ? {} : { redis: { url: redis.url } };
  writeFileSync(file, JSON.stringify({ data: dataDirectory, ...shared }));
  const printed: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  try {
    const code = await runProgram(['purge', '--config', file, '--json', ...words]);
    const report = code === 0 ? JSON.parse(printed.join('')) : undefined;
    return { code, report: report as { entries: Record<string, number> } };
  } finally {
    spy.mockRestore();
  }
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 120));

describe('economizer purge beside a running gateway', () => {
  const first: [object, Record<string, string>] = [
    { seed: 1 },
    { 'x-economizer-agent': 'a', 'x-economizer-cache-tags': 'docs/1, x' },
  ];
  const second: [object, Record<string, string>] = [
    { seed: 1, model: 'gpt-5' },
    { 'x-economizer-agent': 'b', 'x-economizer-cache-tags': 'docs/2' },
  ];

  it.each<[string, string[], boolean, boolean]>([
    ['a tag', ['--tag', 'x'], false, true],
    ['two tags', ['--tag', 'docs/1', 'docs/2'], false, false],
    ['a model', ['--model', 'gpt-4o'], false, true],
    ['models', ['--model', 'gpt-*'], false, false],
    ['an agent', ['--agent', 'a'], false, true],
    ['a prefix', ['--prefix', 'docs/'], false, false],
    ['a policy', ['--policy', 'response'], false, false],
    ['a tenant', ['--tenant', 'default'], false, false],
    ['another tenant', ['--tenant', 'other', '--tag', 'x'], true, true],
    ['an age', ['--older-than', '1h'], true, true],
    ['everything', ['--all'], false, false],
  ])('takes out by %s what it means, and nothing else', async (_name, words, one, two) => {
    const house = await startHouse();
    await ask(house, ...first);
    await ask(house, ...second);
    await house.gateway.assembly.stack.flush();
    const gone = Number(!one) + Number(!two);
    const dry = await purge(house, ...words, '--dry-run');
    expect([dry.code, dry.report.entries['l3']]).toEqual([0, gone]);
    await moment();
    expect([await isStored(house, ...first), await isStored(house, ...second)]).toEqual([
      true,
      true,
    ]);
    const { code, report } = await purge(house, ...words);
    expect([code, report.entries['l3']]).toEqual([0, gone]);
    await moment();
    expect([await isStored(house, ...first), await isStored(house, ...second)]).toEqual([one, two]);
    // What is asked for afterwards is kept again.
    await ask(house, ...first);
    expect(await isStored(house, ...first)).toBe(true);
  });

  it('takes out by key', async () => {
    const house = await startHouse({ config: { cache: { show_keys: true } } });
    const status = String((await ask(house)).headers['cache-status']);
    const key = /key="([^"]+)"/.exec(status)![1]!;
    await purge(house, '--key', key);
    await moment();
    expect(await isStored(house)).toBe(false);
  });

  it('is not undone by a restart', async () => {
    const data = temporaryFolder();
    const house = await startHouse({ config: { data } });
    await ask(house, ...first);
    await ask(house, ...second);
    await house.gateway.stop();
    await purge(house, '--tag', 'x');
    const again = await startHouse({ config: { data } });
    expect(await isStored(again, ...second)).toBe(true);
    expect(await isStored(again, ...first)).toBe(false);
  });

  it('softly leaves the answer to stand in when the provider fails', async () => {
    const house = await startHouse({ config: { cache: { stale_if_error: '1h' } } });
    await ask(house, ...first);
    await purge(house, '--agent', 'a', '--soft');
    await moment();
    house.provider.failNext({ kind: 'status', status: 503 });
    const stale = await ask(house, ...first);
    expect(stale.headers['cache-status']).toContain('stale-if-error');
    await ask(house, ...first);
    expect(house.provider.calls).toHaveLength(3);
  });

  it('refuses what names nothing, and what contradicts itself', async () => {
    const house = await startHouse();
    expect((await purge(house)).code).toBe(2);
    expect((await purge(house, '--all', '--tag', 'x')).code).toBe(2);
    expect((await purge(house, '--tag', 'a*b')).code).toBe(2);
  });
});

describe('an answer whose call began before the purge', () => {
  it.each([false, true])('is not kept as if it were newer; streamed: %s', async (stream) => {
    const house = await startHouse({ provider: { firstByteMs: 1500, gapMs: 5 } });
    const flight = ask(house, { stream });
    await until(() => house.provider.calls.length === 1);
    await purge(house, '--model', 'gpt-4o');
    await moment(); // another process's purge is known within a tenth of a second
    const late = ask(house, { stream });
    await flight;
    const other = await late;
    // Who asked after the purge did not get what was asked for before.
    expect(other.headers['cache-status']).toMatch(/fwd=uri-miss(; stored)?$/);
    expect(house.provider.calls).toHaveLength(2);
    expect(await isStored(house, { stream })).toBe(true);
  });

  it('is not kept at all where nobody asks again', async () => {
    const house = await startHouse({ provider: { firstByteMs: 1000 } });
    const flight = ask(house);
    await until(() => house.provider.calls.length === 1);
    await purge(house, '--all');
    await moment();
    await flight;
    expect(await isStored(house)).toBe(false);
    await house.gateway.assembly.stack.flush();
    const stats = await house.gateway.assembly.stack.stats();
    expect(stats.map(({ stats: found }) => found?.entries)).toEqual([0, 0]);
  });
});

describe('the admin API', () => {
  const keys = [
    { id: 'acme', sha256: sha256('acme'), tenant: 'acme' },
    { id: 'globex', sha256: sha256('globex'), tenant: 'globex' },
    { id: 'boss', sha256: sha256('boss'), tenant: 'acme', scopes: ['admin'] },
  ];
  const as = (key: string) => ({ authorization: `Bearer ${key}` });

  async function start() {
    const access = { keys, admin_sha256: sha256('operator') } as never;
    const house = await startHouse({ config: { access } });
    await ask(house, {}, as('acme'));
    await ask(house, {}, as('globex'));
    const call = async (key: string, body: object) => {
      const url = `${house.url}/economizer/admin/cache/purge`;
      const answer = await send(url, JSON.stringify(body), { headers: as(key) });
      return { status: answer.status, body: JSON.parse(answer.body.toString()) };
    };
    return { house, call };
  }

  it('purges within the tenant of who asks, at once and in memory too', async () => {
    const { house, call } = await start();
    const dry = await call('boss', { models: ['gpt-4o'], dry_run: true });
    expect(dry).toMatchObject({ status: 200, body: { dry_run: true, entries: { l1: 1 } } });
    const { status, body } = await call('boss', { models: ['gpt-4o'] });
    expect([status, body.entries, body.selectors]).toEqual([
      200,
      { l1: 1, l3: 1 },
      [{ tenant: 'acme', selector: 'model:gpt-4o' }],
    ]);
    expect(await isStored(house, {}, as('acme'))).toBe(false);
    expect(await isStored(house, {}, as('globex'))).toBe(true);
    expect((await call('boss', { tenant: 'globex' })).status).toBe(403);
    expect((await call('acme', { all: true })).status).not.toBe(200);
    expect(await isStored(house, {}, as('globex'))).toBe(true);
  });

  it('purges everywhere for who administers the house, and says what is wrong with a request', async () => {
    const { house, call } = await start();
    expect((await call('operator', { tags: 'nobody' })).body.entries).toMatchObject({ l1: 0 });
    expect((await call('operator', { all: true })).body.entries).toMatchObject({ l1: 2 });
    expect(await isStored(house, {}, as('globex'))).toBe(false);
    for (const body of [{}, { tag: 'x' }, { tags: [1] }, { older_than: 'x' }, { soft: 1 }]) {
      const { status, body: answer } = await call('operator', body);
      expect([status, answer.error.code]).toEqual([400, 'ECO_BAD_PURGE']);
    }
  });
});

describe.skipIf(!hasRedis)('gateways on one Redis', () => {
  it('see at once what another or the command line has purged, in every level', async () => {
    const server = await startRedis();
    try {
      const config = {
        redis: { url: server.url },
        cache: { redis: { lookup: '5s', store: '5s' } },
      };
      const [one, other] = [await startHouse({ config }), await startHouse({ config })];
      const tags = (tag: string) => ({ 'x-economizer-cache-tags': tag });
      await ask(one, { seed: 1 }, tags('x'));
      await ask(one, { seed: 2 }, tags('y'));
      await one.gateway.assembly.stack.flush();
      const gone = async (house: House, seed: number) => {
        for (let turn = 0; await isStored(house, { seed }); turn++) {
          if (turn === 40) return false;
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
        return true;
      };
      expect(await isStored(other, { seed: 1 })).toBe(true);
      expect(await isStored(other, { seed: 2 })).toBe(true);
      await one.gateway.assembly.purger.purge({ tags: ['x'] });
      expect(await isStored(one, { seed: 1 })).toBe(false);
      expect(await gone(other, 1)).toBe(true);
      expect(await isStored(other, { seed: 2 })).toBe(true);

      const { code, report } = await purge(one, '--tag', 'y');
      expect([code, report.entries['l2']]).toEqual([0, 1]);
      expect([await gone(one, 2), await gone(other, 2)]).toEqual([true, true]);

      // A third that starts now knows of it, and of what was not purged.
      await ask(one, { seed: 3 });
      await one.gateway.assembly.stack.flush();
      const third = await startHouse({ config });
      expect(await isStored(third, { seed: 1 })).toBe(false);
      expect(await isStored(third, { seed: 3 })).toBe(true);
    } finally {
      await server.stop();
    }
  });
});
