import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectRedis } from '../../src/services/redis-client.ts';
import type { RedisLink, RedisLinkOptions } from '../../src/services/redis.ts';
import { startCluster, startSentinelGroup } from '../services/redis-groups.ts';
import { freePort, hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import { until } from '../until.ts';

async function redis(settings: readonly string[] = [], port?: number): Promise<RedisServer> {
  const server = await startRedis(settings, port);
  onTestFinished(() => {
    server.resume();
    return server.stop();
  });
  return server;
}

function linkWith(options: RedisLinkOptions): { link: RedisLink; told: string[] } {
  const told: string[] = [];
  const link = connectRedis({
    ...options,
    onState: ({ connected, error }) => told.push(connected ? 'up' : `down: ${String(error)}`),
  });
  onTestFinished(() => link.close());
  return { link, told };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What came of it, and after how long. */
async function timed(act: Promise<unknown>): Promise<{ ms: number; text: string }> {
  const from = performance.now();
  const text = await act.then(String, String);
  return { ms: performance.now() - from, text };
}

describe.skipIf(!hasRedis)('a link to a server in trouble', () => {
  it('keeps its deadlines while the server is stopped, then refuses at once, and heals', async () => {
    const server = await redis();
    const { link } = linkWith({ url: server.url });
    await until(() => link.connected);
    server.pause();
    const late = await timed(link.send(['GET', 'a'], 20));
    expect(late.text).toMatch(/did not answer within 20 ms/);
    expect(late.ms).toBeGreaterThan(18);
    await until(() => !link.connected, 2500);
    const refused = await timed(link.send(['GET', 'a'], 1000));
    expect(refused.text).toMatch(/does not answer them just now/);
    expect(refused.ms).toBeLessThan(500);
    server.resume();
    await until(() => link.connected);
    expect(await link.send(['PING'], 1000)).toBe('PONG');
  });

  it('leaves a server that stays stopped, and comes back when it goes on', async () => {
    const server = await redis();
    const { link, told } = linkWith({ url: server.url, connectMs: 300 });
    await until(() => link.connected);
    server.pause();
    await until(() => told.length > 1);
    expect(told[1]).toMatch(/^down: .*has not answered for 3000 ms/);
    await sleep(1000);
    expect(link.connected).toBe(false);
    server.resume();
    await until(() => link.connected);
    expect(told).toEqual(['up', told[1], 'up']);
  });

  it('bounds what waits for a stopped server', async () => {
    const server = await redis();
    const { link } = linkWith({ url: server.url });
    await until(() => link.connected);
    server.pause();
    const small = await Promise.all(
      Array.from({ length: 12_000 }, () => timed(link.send(['GET', 'a'], 20))),
    );
    const refused = small.filter(({ text }) => text.includes('Too many commands'));
    expect(refused).toHaveLength(2000);
    server.resume();
    await until(async () => (await link.send(['PING'], 1000).catch(String)) === 'PONG');
    server.pause();
    const large = Buffer.alloc(1024 * 1024);
    const sets = Array.from({ length: 100 }, () => timed(link.send(['SET', 'a', large], 20)));
    const outcomes = await Promise.all(sets);
    expect(outcomes.filter(({ text }) => text.includes('Too many commands')).length).toBe(37);
  });

  it('comes back after the server was killed, and tells listeners of the gap', async () => {
    const server = await redis();
    const { link, told } = linkWith({ url: server.url });
    const heard: string[] = [];
    await link.subscribe(
      'news',
      (message) => heard.push(message.toString()),
      () => heard.push('gap'),
    );
    await until(() => link.connected);
    await link.send(['PUBLISH', 'news', 'first'], 1000);
    await until(() => heard.length === 1);
    await server.kill();
    await until(() => !link.connected);
    const refused = await timed(link.send(['GET', 'a'], 1000));
    expect(refused.text).toMatch(/cannot be reached just now/);
    expect(refused.ms).toBeLessThan(500);
    await server.restart();
    await until(() => link.connected && heard.length === 2);
    await link.send(['PUBLISH', 'news', 'second'], 1000);
    await until(() => heard.length === 3);
    expect(heard).toEqual(['first', 'gap', 'second']);
    expect(told).toHaveLength(3);
  });

  it('begins before the server does, and its listeners too', async () => {
    const port = await freePort();
    const { link } = linkWith({ url: `redis://127.0.0.1:${port}` });
    let gaps = 0;
    await link.subscribe(
      'news',
      () => {},
      () => gaps++,
    );
    expect(link.connected).toBe(false);
    await redis([], port);
    await until(() => link.connected && gaps === 1);
  });

  it('logs in, and never tells the password', async () => {
    const server = await redis(['--requirepass', 'open sesame']);
    const right = linkWith({ url: server.url, password: 'open sesame' });
    await until(() => right.link.connected);
    const inUrl = linkWith({ url: `redis://:open%20sesame@127.0.0.1:${server.port}/3` });
    await until(() => inUrl.link.connected);
    const wrong = linkWith({ url: `redis://:wrong-word@127.0.0.1:${server.port}` });
    await until(() => wrong.told.length > 0);
    expect(wrong.told[0]).toMatch(/down: .*WRONGPASS/);
    expect(wrong.told[0]).not.toContain('wrong-word');
  });

  it('encrypts, trusts only the given authority and shows its own certificate', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'economizer-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = (name: string) => join(folder, name);
    const request = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2
      -keyout ${file('key.pem')} -out ${file('cert.pem')}
      -subj /CN=redis.test -addext subjectAltName=DNS:redis.test`;
    const made = spawnSync('openssl', request.split(/\s+/));
    if (made.error !== undefined) return;
    const port = await freePort();
    const settings = `--port 0 --tls-port ${port} --tls-auth-clients yes
      --tls-cert-file ${file('cert.pem')} --tls-key-file ${file('key.pem')}
      --tls-ca-cert-file ${file('cert.pem')}`;
    await redis(settings.split(/\s+/), port);
    const [cert, key] = [readFileSync(file('cert.pem')), readFileSync(file('key.pem'))];
    const url = `rediss://127.0.0.1:${port}`;
    const tls = { ca: cert, cert, key, serverName: 'redis.test' };
    const trusted = linkWith({ url, tls });
    await until(() => trusted.link.connected);
    expect(await trusted.link.send(['PING'], 1000)).toBe('PONG');
    const distrusting = linkWith({ url, tls: { ...tls, ca: undefined } });
    await until(() => distrusting.told.length > 0);
    expect(distrusting.told[0]).toMatch(/self-signed certificate/);
    const nameless = linkWith({ url, tls: { ...tls, cert: undefined, key: undefined } });
    await until(() => nameless.told.length > 0);
    expect(nameless.link.connected).toBe(false);
  });
});

describe.skipIf(!hasRedis)('a link to several servers', () => {
  it('follows the master that the sentinels name', async () => {
    const group = await startSentinelGroup();
    onTestFinished(() => group.stop());
    const nodes = [
      { host: '127.0.0.1', port: await freePort() }, // one that is down
      { host: '127.0.0.1', port: group.sentinelPort },
    ];
    const { link } = linkWith({ sentinel: { name: group.name, nodes } });
    const heard: string[] = [];
    await link.subscribe(
      'news',
      (message) => heard.push(message.toString()),
      () => heard.push('gap'),
    );
    await until(() => link.connected);
    expect(await link.send(['SET', 'a', '1'], 1000)).toBe('OK');
    await group.servers[0].kill();
    await until(() => link.connected && heard.includes('gap'), 20_000);
    expect(await link.send(['SET', 'a', '2'], 1000)).toBe('OK');
    await link.send(['PUBLISH', 'news', 'from the new one'], 1000);
    await until(() => heard.includes('from the new one'));
  }, 40_000);

  it('leaves a master that was stopped, once another is named', async () => {
    const group = await startSentinelGroup();
    onTestFinished(() => {
      group.servers[0].resume();
      return group.stop();
    });
    const nodes = [{ host: '127.0.0.1', port: group.sentinelPort }];
    const { link } = linkWith({ sentinel: { name: group.name, nodes } });
    await until(() => link.connected);
    group.servers[0].pause();
    await until(() => !link.connected);
    const set = async () => (await link.send(['SET', 'a', '2'], 500).catch(String)) === 'OK';
    await until(set, 20_000);
  }, 40_000);

  it('serves from a cluster, whatever the slot, and goes on without a node', async () => {
    const cluster = await startCluster();
    onTestFinished(() => cluster.stop());
    const nodes = cluster.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
    const { link } = linkWith({ cluster: { nodes } });
    await until(() => link.connected);
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
    const sets = await Promise.all(keys.map((key) => link.send(['SET', key, key], 1000)));
    expect(new Set(sets)).toEqual(new Set(['OK']));
    expect(await link.send(['GET', 'k7'], 1000)).toEqual(Buffer.from('k7'));
    expect(await link.send(['DBSIZE'], 1000)).toBe(60);
    const source = "return redis.call('INCRBY', KEYS[1], ARGV[1])";
    expect(await link.script({ source }, ['{n}a', '{n}b'], ['41'], 1000)).toBe(41);
    const heard: string[] = [];
    await link.subscribe(
      'news',
      (message) => heard.push(message.toString()),
      () => {},
    );
    await link.send(['PUBLISH', 'news', 'hello'], 1000);
    await until(() => heard.length === 1);

    await cluster.servers[1]!.kill();
    const outcomes = async () =>
      Promise.all(keys.map((key) => timed(link.send(['GET', key], 200))));
    await sleep(100);
    const without = await outcomes();
    const served = without.filter(({ text }) => /^k\d+$/.test(text));
    expect(served.length).toBeGreaterThan(20);
    expect(served.length).toBeLessThan(60);
    await cluster.servers[1]!.restart();
    await until(async () =>
      (await outcomes()).every(({ text }) => !text.includes('ECO') && !text.includes('Error')),
    );
  }, 60_000);

  it('waits once for a node of a cluster that is stopped, and then sends it nothing more', async () => {
    const cluster = await startCluster();
    onTestFinished(() => {
      cluster.servers[1]!.resume();
      return cluster.stop();
    });
    const nodes = cluster.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
    const { link } = linkWith({ cluster: { nodes } });
    await until(() => link.connected);
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => link.send(['SET', key, key], 5000)));
    cluster.servers[1]!.pause();
    const outcomes: string[] = [];
    for (const key of keys) outcomes.push((await timed(link.send(['GET', key], 20))).text);
    const late = outcomes.filter((text) => text.includes('did not answer within'));
    const refused = outcomes.filter((text) => text.includes('does not answer them just now'));
    // Others may be late on a busy machine, but their next reply makes up for it.
    expect(refused.length).toBeGreaterThan(late.length);
    cluster.servers[1]!.resume();
    await until(async () => (await timed(link.send(['GET', 'k1'], 1000))).text === 'k1');
  }, 60_000);
});
