import { describe, expect, it } from 'vitest';
import type { Config } from './config.ts';
import { faultText } from './fault.ts';
import { readConfig } from './read.ts';

function read(cache: object, more: object = {}) {
  const text = JSON.stringify({ cache, ...more });
  return readConfig({ text, fileName: 'x.yaml', environment: {}, keeps: false });
}

function configOf(cache: object, more: object = {}): Config {
  const { config, faults } = read(cache, more);
  expect(faults.map(faultText)).toEqual([]);
  return config!;
}

function faultsOf(cache: object): readonly string[] {
  return read(cache).faults.map(({ path, problem }) => `${path} ${problem}`);
}

function policy(config: Config, name: string) {
  return config.cache.policies.find((each) => each.name === name)!;
}

describe('the four policies', () => {
  it('have the times and places that they are known for', () => {
    const { policies } = configOf({}).cache;
    expect(
      policies.map(({ name, ttlMs, levels, messages, compress, deduplicate }) => ({
        name,
        ttlMs,
        levels,
        messages,
        compress,
        deduplicate,
      })),
    ).toEqual([
      {
        name: 'response',
        ttlMs: 3_600_000,
        levels: ['memory', 'redis'],
        messages: undefined,
        compress: true,
        deduplicate: true,
      },
      {
        name: 'model-output',
        ttlMs: 7_200_000,
        levels: ['redis', 'disk'],
        messages: undefined,
        compress: undefined,
        deduplicate: true,
      },
      {
        name: 'conversation-context',
        ttlMs: 1_800_000,
        levels: ['memory'],
        messages: 10,
        compress: true,
        deduplicate: true,
      },
      {
        name: 'tool-results',
        ttlMs: 600_000,
        levels: ['memory', 'redis'],
        messages: undefined,
        compress: undefined,
        deduplicate: true,
      },
    ]);
    expect(
      policies.every(
        ({ mode, scope, jitter, negativeTtlMs }) =>
          mode === 'on' && scope === 'tenant' && jitter === 0 && negativeTtlMs === 0,
      ),
    ).toBe(true);
  });

  it('take the rest from the settings of the cache, whose shorter time bounds them', () => {
    const config = configOf({ ttl: '15m', stale_if_error: '5m', reuse_sampled: true });
    expect(config.cache.policies.map(({ ttlMs }) => ttlMs / 60_000)).toEqual([15, 15, 15, 10]);
    expect(policy(config, 'tool-results')).toMatchObject({
      staleIfErrorMs: 300_000,
      reuseSampled: true,
    });
    expect(policy(configOf({ ttl: '1d' }), 'response').ttlMs).toBe(86_400_000);
    expect(policy(configOf({ ttl: '1d' }), 'model-output').ttlMs).toBe(7_200_000);
  });

  it('can be changed, and others made of them', () => {
    const config = configOf({
      policies: {
        'tool-results': { ttl: '5s', mode: 'read-only' },
        mine: { extends: 'conversation-context', messages: 0, jitter: 0.1 },
        plain: {},
      },
    });
    expect(policy(config, 'tool-results')).toMatchObject({
      ttlMs: 5000,
      mode: 'read-only',
      levels: ['memory', 'redis'],
    });
    expect(policy(config, 'mine')).toMatchObject({
      ttlMs: 1_800_000,
      jitter: 0.1,
      levels: ['memory'],
      messages: undefined,
    });
    expect(policy(config, 'plain')).toMatchObject({ ttlMs: 3_600_000 });
  });

  it('are chosen by rules, ours behind the user’s', () => {
    const { rules } = configOf({ rules: [{ policy: 'tool-results', agent: 'a' }] }).cache;
    expect(rules).toMatchObject([
      { policy: 'tool-results', agent: ['a'] },
      { policy: 'model-output', route: ['/embeddings', '/messages/count_tokens'] },
    ]);
  });
});

describe('what cannot be honoured is refused', () => {
  it.each<[string, object, string]>([
    [
      'likeness without an embedder',
      { policies: { response: { similarity: 0.95 } } },
      'cache.policies.response.similarity cannot be honoured without an embedder',
    ],
    [
      'meaning without an embedder',
      { policies: { a: { invalidate_by_meaning: true } } },
      'cache.policies.a.invalidate_by_meaning cannot be honoured without an embedder',
    ],
    [
      'a rule to nowhere',
      { rules: [{ policy: 'respons' }] },
      'cache.rules[0].policy must name one of the policies: did you mean response?',
    ],
    [
      'levels that are off',
      { disk: { enabled: false }, policies: { a: { levels: ['disk'] } } },
      'cache.policies.a.levels must name a level that is switched on; disk is not',
    ],
    [
      'a level that nobody knows',
      { policies: { a: { levels: ['edge'] } } },
      'cache.policies.a.levels[0] must be one of: memory, redis, disk',
    ],
    [
      'sharing with nobody',
      { policies: { a: { scope: 'shared', share_as: 'x' } } },
      'cache.policies.a.share_with',
    ],
    [
      'sharing without a name',
      { policies: { a: { scope: 'shared', share_with: ['x'] } } },
      'cache.policies.a.share_as',
    ],
    [
      'too much chance',
      { policies: { a: { jitter: 1.5 } } },
      'cache.policies.a.jitter must be a number from 0 to 1',
    ],
    [
      'an unknown setting',
      { policies: { a: { tttl: '1s' } } },
      'cache.policies.a.tttl is not a setting; did you mean ttl?',
    ],
    [
      'an unknown parent',
      { policies: { a: { extends: 'b' } } },
      'cache.policies.a.extends must be one of',
    ],
    [
      'a rule without patterns',
      { rules: [{ policy: 'response', agent: [] }] },
      'cache.rules[0].agent',
    ],
  ])('%s', (_name, cache, fault) => {
    expect(faultsOf(cache).join('\n')).toContain(fault);
  });

  it('but a built-in policy whose levels are off takes those that are on', () => {
    configOf({ disk: { enabled: false } });
    configOf({ memory: { enabled: false } });
  });
});
