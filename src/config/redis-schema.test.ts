import { describe, expect, it } from 'vitest';
import { secretsOf } from './secrets.ts';
import { faultText } from './fault.ts';
import { readConfig } from './read.ts';

const read = (text: string, environment: Record<string, string> = {}) =>
  readConfig({ text, environment, fileName: 'economizer.yaml', directory: '/tmp' });

const faultsOf = (text: string, environment?: Record<string, string>) =>
  read(text, environment).faults.map(faultText);

function configFrom(text: string, environment?: Record<string, string>) {
  expect(faultsOf(text, environment)).toEqual([]);
  return read(text, environment).config!;
}

describe('the section redis', () => {
  it('is left out where nothing is shared', () => {
    expect(configFrom('log: { level: info }').redis).toBeUndefined();
  });

  it('names one server, with what it needs from the environment', () => {
    const { redis } = configFrom(
      "redis: { url: 'rediss://cache.example.com:6380/2', username: eco, password: '${PASS}', tls: { server_name: cache } }",
      { PASS: 'open sesame' },
    );
    expect(redis).toMatchObject({
      url: 'rediss://cache.example.com:6380/2',
      username: 'eco',
      password: 'open sesame',
      tls: { ca: undefined, serverName: 'cache' },
      prefix: 'economizer:',
      connectMs: 2000,
    });
  });

  it('names sentinels or a cluster', () => {
    const sentinel = configFrom(
      'redis: { sentinel: { name: house, nodes: [10.0.0.7:26379, "[::1]:26380"] } }',
    );
    expect(sentinel.redis!.sentinel!.nodes).toEqual([
      { host: '10.0.0.7', port: 26379 },
      { host: '::1', port: 26380 },
    ]);
    const cluster = configFrom('redis: { cluster: { nodes: [one:6379] } }');
    expect(cluster.redis!.cluster!.nodes).toEqual([{ host: 'one', port: 6379 }]);
  });

  it('keeps its secrets out of logs', () => {
    const config = configFrom(
      "redis: { url: 'redis://:a%20b%20c@localhost', password: second } \ncache: { secret: sixteen letters! }",
    );
    expect(secretsOf(config)).toEqual(
      expect.arrayContaining(['a%20b%20c', 'a b c', 'second', 'sixteen letters!']),
    );
    for (const text of [
      "redis: 'redis://:hush-hush@localhost'",
      "redis: { url: 'http://:hush-hush@localhost' }",
      "redis: { url: 'redis://x', password: [hush-hush] }",
      "redis: { url: 'redis://x' }\ncache: { secret: hush-hush }",
    ]) {
      expect(faultsOf(text)).not.toEqual([]);
      expect(faultsOf(text).join()).not.toContain('hush');
    }
  });

  it.each([
    [
      'no place',
      'redis: { prefix: a }',
      /redis\.url is missing; it must be given, or else sentinel or cluster/,
    ],
    [
      'two places',
      "redis: { url: 'redis://x', cluster: { nodes: [a:1] } }",
      /redis\.cluster must not stand beside url/,
    ],
    ['another protocol', "redis: { url: 'http://x' }", /redis\.url must be a URL such as redis:/],
    ['no port', 'redis: { cluster: { nodes: [a] } }', /nodes\[0\] must be a host and a port/],
    ['no nodes', 'redis: { cluster: { nodes: [] } }', /must name at least one host/],
    [
      'a database of a cluster',
      'redis: { cluster: { nodes: [a:1] }, database: 3 }',
      /redis\.database must be 0 with a cluster/,
    ],
    [
      'half a certificate',
      "redis: { url: 'redis://x', tls: { cert: /tmp/none } }",
      /redis\.tls must have both cert and key/,
    ],
    [
      'a certificate that is not there',
      "redis: { url: 'redis://x', tls: { ca: none.pem } }",
      /redis\.tls\.ca must be a file that is there; \/tmp\/none\.pem is not/,
    ],
  ])('is refused with %s', (_name, text, expected) => {
    const faults = faultsOf(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(expected);
  });
});

describe('the order of levels', () => {
  it('asks the cheaper first, unless told otherwise', () => {
    expect(configFrom('log: { level: info }').cache.order).toEqual([
      'memory',
      'disk',
      'redis',
      'postgres',
    ]);
    expect(configFrom('cache: { order: [redis] }').cache.order).toEqual([
      'redis',
      'memory',
      'disk',
      'postgres',
    ]);
  });

  it.each([
    ['cache: { order: [memory, memory] }', /must name each level once/],
    ['cache: { order: [tape] }', /must be one of: memory, disk, redis/],
  ])('is refused: %s', (text, expected) => expect(faultsOf(text).join()).toMatch(expected));
});
