import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sampleEntry } from '../../src/cache/sample-entry.ts';
import { chat, send, startHouse, temporaryFolder, until, type House } from '../e2e/harness.ts';
import { startCluster, startSentinelGroup } from '../services/redis-groups.ts';
import {
  freePort,
  hasRedis,
  startRedis,
  untilReachable,
  type RedisServer,
} from '../services/redis-server.ts';

const path = '/v1/chat/completions';

async function redis(settings: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedis(settings);
  onTestFinished(() => {
    server.resume();
    return server.stop();
  });
  return server;
}

/** Asks what nobody has asked before, one call after the other; how long each took, in milliseconds. */
async function ask({ url }: House, label: string, calls: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < calls; index++) {
    const from = performance.now();
    const body = chat({ temperature: 0, user_question: `${label} ${index}` });
    const answer = await send(url + path, body);
    times.push(performance.now() - from);
    expect(answer.status).toBe(200);
  }
  return times;
}

const percentile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(share * (times.length - 1))]!;

/** Level 2 alone, so that nothing hides whether it works. */
function shared(url: string, more: object = {}) {
  const cache = { memory: { enabled: false }, disk: { enabled: false } };
  return { config: { redis: { url }, cache: { ...cache, ...more } } };
}

/** For what is not about time: on a busy machine Redis takes longer than a lookup may by default. */
const patient = { redis: { lookup: '5s', store: '5s' } };

async function isShared(house: House, label: string): Promise<boolean> {
  const body = chat({ temperature: 0, user_question: label });
  await send(house.url + path, body);
  await house.gateway.assembly.stack.flush();
  const again = await send(house.url + path, body);
  expect(again.status).toBe(200);
  return String(again.headers['cache-status']).includes('detail=l2');
}

/** Waits until answers are kept in Redis again; every call on the way is answered. */
async function untilShared(house: House): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await isShared(house, `again ${Math.random()}`)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('Redis is not used again');
}

describe.skipIf(!hasRedis)('a gateway whose Redis', () => {
  it('is stopped answers in time, and uses it again when it goes on', async () => {
    const server = await redis();
    const house = await startHouse(shared(server.url));
    await untilShared(house);
    const waits: string[] = [];
    house.signals.on('part-failed', ({ part, operation, error }) => {
      // Not those in the background, nor those that were refused at once.
      const isWait = /did not answer within/.test(String(error));
      if (isWait && /get|begin/.test(operation)) waits.push(`${part} ${operation}`);
    });
    const usual = await ask(house, 'usual', 60);
    waits.length = 0; // a busy machine may have been late
    server.pause();
    const stopped = await ask(house, 'stopped', 60);
    // A lookup of 20 ms, and no flight on top; five of them at most, and then nothing is asked that could wait.
    expect(new Set(waits)).toEqual(new Set(['cache.l2 get']));
    expect(waits.length).toBeLessThanOrEqual(5);
    expect(percentile(stopped, 0.5)).toBeLessThan(percentile(usual, 0.5) + 10);
    server.resume();
    await untilShared(house);
  }, 120_000);

  it('is killed and started again answers all the while, and uses it again', async () => {
    const server = await redis();
    const house = await startHouse(shared(server.url));
    await untilShared(house);
    await server.kill();
    await ask(house, 'killed', 100);
    await server.restart();
    await untilShared(house);
  }, 30_000);

  it('is down keeps answers in memory, and on disk where the policy says so too', async () => {
    const server = await redis();
    const usual = await startHouse({ config: { redis: { url: server.url } } });
    const data = temporaryFolder();
    const levels = ['memory', 'redis', 'disk'];
    const cache = { policies: { response: { levels } } };
    const config = { data, redis: { url: server.url }, cache } as never;
    const lasting = await startHouse({ config });
    await server.kill();
    const body = chat({ temperature: 0, user_question: 'while it is down' });
    for (const house of [usual, lasting]) {
      await send(house.url + path, body);
      const again = await send(house.url + path, body);
      expect(again.headers['cache-status']).toMatch(/detail=l1$/);
    }
    await lasting.gateway.stop();
    const next = await startHouse({ config });
    const again = await send(next.url + path, body);
    expect(again.headers['cache-status']).toMatch(/detail=l3$/);
  }, 60_000);

  it('is full keeps no more answers and tells so', async () => {
    const server = await redis(['--maxmemory', '2mb', '--maxmemory-policy', 'noeviction']);
    const house = await startHouse({
      ...shared(server.url, patient),
      provider: { answer: () => ({ text: randomBytes(15_000).toString('base64') }) },
    });
    const told: string[] = [];
    house.signals.on('part-failed', ({ part, operation, error }) =>
      told.push(`${part} ${operation} ${(error as Error).message}`),
    );
    await ask(house, 'full', 150);
    await house.gateway.assembly.stack.flush();
    expect(told.some((each) => /cache.l2 set .*OOM/.test(each))).toBe(true);
    expect(told.every((each) => !each.startsWith('cache.l2 get'))).toBe(true);
  }, 30_000);

  it('allows no more than the guide says works all the same', async () => {
    const guide = readFileSync('docs/guide/caching.md', 'utf8');
    const [, listed] = /`ACL`\): (.*?);/s.exec(guide)!;
    const words = listed!.match(/[A-Z]{3,}(?: [A-Z]+)*/g)!.flatMap((each) => each.split(' '));
    const rights = new Set(words.map((word) => word.toLowerCase()));
    for (const [command, part] of [
      ['memory', 'usage'],
      ['client', 'setname'],
    ]) {
      if (!rights.delete(part!)) continue;
      rights.delete(command!);
      rights.add(`${command!}|${part!}`);
    }
    const allowed = [...rights].map((right) => `+${right}`);
    const server = await redis();
    const rules = ['on', '>pass', '~economizer:*', '&economizer:*', ...allowed];
    const set = spawnSync('redis-cli', ['-p', `${server.port}`, 'ACL', 'SETUSER', 'eco', ...rules]);
    expect(set.stdout.toString()).toBe('OK\n');
    const url = `redis://eco:pass@127.0.0.1:${server.port}`;
    const house = await startHouse(shared(url, patient));
    const told: string[] = [];
    house.signals.on('part-failed', ({ error }) => told.push(String(error)));
    expect(await isShared(house, 'allowed')).toBe(true);
    const { stack } = house.gateway.assembly;
    const [report] = await stack.stats();
    expect(report!.stats).toMatchObject({ entries: 1, bytes: expect.any(Number) });
    expect(report!.stats!.bytes).toBeGreaterThan(100);
    for (const key of ['one', 'two', 'three']) {
      stack.store(sampleEntry({ key, now: Date.now(), bytes: 5000 }));
      await stack.flush();
    }
    await stack.delete('two');
    expect((await stack.stats())[0]!.stats!.sharedBytesSaved).toBe(5001);
    await stack.clear();
    expect((await stack.stats())[0]!.stats!.entries).toBe(0);
    expect(told).toEqual([]);
  }, 30_000);

  it('is not there when it starts answers, and uses it when it comes', async () => {
    const port = await freePort();
    const house = await startHouse(shared(`redis://127.0.0.1:${port}`));
    await ask(house, 'without', 20);
    const server = await startRedis([], port);
    onTestFinished(() => server.stop());
    await untilShared(house);
  }, 30_000);

  it('fails over answers all the while, and uses the new master', async () => {
    const group = await startSentinelGroup();
    onTestFinished(() => group.stop());
    const { config } = shared('');
    const sentinel = { name: group.name, nodes: [`127.0.0.1:${group.sentinelPort}`] };
    const house = await startHouse({ config: { ...config, redis: { sentinel } } });
    await untilShared(house);
    await group.servers[0].kill();
    await ask(house, 'failing over', 100);
    await untilShared(house);
  }, 40_000);

  it('is a cluster that loses a node answers all the while', async () => {
    const cluster = await startCluster();
    onTestFinished(() => cluster.stop());
    const { config } = shared('');
    const nodes = cluster.servers.map(({ port }) => `127.0.0.1:${port}`);
    const house = await startHouse({ config: { ...config, redis: { cluster: { nodes } } } });
    await untilShared(house);
    await cluster.servers[2]!.kill();
    await ask(house, 'without a node', 100);
    await cluster.servers[2]!.restart();
    await untilShared(house);
    cluster.servers[0]!.pause();
    onTestFinished(() => cluster.servers[0]!.resume());
    await ask(house, 'with a node that is stopped', 100);
    cluster.servers[0]!.resume();
    await untilShared(house);
  }, 60_000);
});

it('is told what to install where the client of Redis is missing', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'economizer.yaml');
  writeFileSync(
    file,
    `data: ${folder}\nlisten: { port: 0 }\nredis: { url: 'redis://127.0.0.1:1' }\n`,
  );
  const hide = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (name !== '@redis/client') return next(name, context);
        throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
      },
    });`;
  const words = ['--import', `data:text/javascript,${encodeURIComponent(hide)}`];
  const serve = ['src/cli/economizer.ts', 'serve', '--config', file];
  const ended = spawnSync(process.execPath, [...words, ...serve], { timeout: 15_000 });
  expect(ended.status).toBeGreaterThan(0);
  expect(ended.stderr.toString().split('\n')[0]).toContain('npm install @redis/client');
}, 20_000);

describe.skipIf(!hasRedis)('a gateway that dies while it leads', () => {
  it('is followed by exactly one', async () => {
    const server = await redis();
    // Redis may be slow on a busy machine, and this is not about that.
    const cache = { flights: { lease: '1s' }, redis: { lookup: '5s' } };
    const config = { redis: { url: server.url }, cache };
    const slow = { provider: { firstByteMs: 3000 } };
    const [one, two] = [await startHouse({ config, ...slow }), await startHouse({ config })];
    const base = `${one.provider.url}/v1`;
    const third = await startHouse({ config: { ...config, providers: openai(base) } });
    const victim = await startChild({ ...config, providers: openai(base) });
    const body = chat({ temperature: 0, stream: true });
    const lost = send(victim.url + path, body).catch(() => undefined);
    await until(() => one.provider.calls.length === 1);
    const following = [send(one.url + path, body), send(third.url + path, body)];
    victim.child.kill('SIGKILL');
    await lost;
    const answers = await Promise.all(following);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]!.body.equals(answers[1]!.body)).toBe(true);
    expect(one.provider.calls).toHaveLength(2);
    expect(two.provider.calls).toHaveLength(0);
  }, 30_000);
});

function openai(base_url: string) {
  return { openai: { kind: 'openai' as const, base_url, api_key: 'sk-gateway' } };
}

/** A gateway in a process of its own. */
async function startChild(config: object): Promise<{ url: string; child: ChildProcess }> {
  const folder = temporaryFolder();
  const port = await freePort();
  const file = join(folder, 'economizer.yaml');
  const given = {
    data: join(folder, 'data'),
    listen: { port },
    log: { level: 'error' },
    ...config,
  };
  writeFileSync(file, JSON.stringify(given));
  const child = spawn(process.execPath, ['src/cli/economizer.ts', 'serve', '--config', file], {
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await untilReachable(port, 800);
  return { url: `http://127.0.0.1:${port}`, child };
}
