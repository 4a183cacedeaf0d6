import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { chat, send, startHouse, temporaryFolder, until, type House } from './harness.ts';

type CacheFile = NonNullable<ConfigFile['cache']>;

const chatPath = '/v1/chat/completions';
const question = chat({ temperature: 0 });

/** Wall time by hand, timers of the machine. */
function handClock(): Clock & { advance(ms: number): void } {
  const simulated = new SimulatedClock(Date.UTC(2026, 10, 1));
  return {
    now: () => simulated.now(),
    tick: () => systemClock.tick(),
    after: (ms, task) => systemClock.after(ms, task),
    advance: (ms) => simulated.advance(ms),
  };
}

function ask(house: House, body = question, headers: Record<string, string> = {}, path = chatPath) {
  return send(house.url + path, body, { headers });
}

async function statusOf(...asked: Parameters<typeof ask>): Promise<string> {
  return String((await ask(...asked)).headers['cache-status']);
}

/** A house in which every call has the policy under trial. */
function underPolicy(policy: object, more: object = {}, cache: CacheFile = {}) {
  return startHouse({
    ...more,
    config: {
      cache: { ...cache, policies: { trial: policy }, rules: [{ policy: 'trial' }] },
    },
  });
}

function conversation(turns: number, name = 'a'): string {
  const messages = Array.from({ length: turns }, (_, turn) => [
    { role: 'user', content: `${name} asks ${turn}` },
    { role: 'assistant', content: `answer ${turn}` },
  ]).flat();
  messages.push({ role: 'user', content: `${name} asks at last` });
  return chat({ temperature: 0, messages });
}

describe('a policy is chosen', () => {
  const rules: [
    string,
    object,
    [Record<string, string>, string?],
    [Record<string, string>, string?],
  ][] = [
    [
      'agent',
      { agent: 'faq-*' },
      [{ 'x-economizer-agent': 'faq-7' }],
      [{ 'x-economizer-agent': 'x' }],
    ],
    ['tag', { tag: ['a', 'b'] }, [{ 'x-economizer-tags': 'z,b' }], [{ 'x-economizer-tags': 'z' }]],
    ['tag of the answer', { tag: 'doc/*' }, [{ 'x-economizer-cache-tags': 'doc/1' }], [{}]],
    [
      'route',
      { route: '/v1/chat/*' },
      [{}],
      [{}, JSON.stringify({ model: 'm', prompt: 'a', temperature: 0 })],
    ],
    ['model', { model: 'gpt-4*' }, [{}], [{}, chat({ temperature: 0, model: 'gpt-5' })]],
    ['provider', { provider: 'open*' }, [{}], [{}, '']],
    ['tenant', { tenant: 'default' }, [{}], [{}, '']],
    [
      'tool',
      { tool: 'get_*' },
      [{}, chat({ temperature: 0, tools: [{ type: 'function', function: { name: 'get_time' } }] })],
      [{}, chat({ temperature: 0, tools: [{ type: 'function', function: { name: 'search' } }] })],
    ],
    [
      'the length of its conversation',
      { min_messages: 5 },
      [{}, conversation(2)],
      [{}, conversation(1)],
    ],
  ];
  it.each(rules)('by %s', async (_name, rule, [headers, body], [otherHeaders, otherBody]) => {
    const cache = {
      policies: { none: { mode: 'off' } },
      rules: [{ policy: 'none', ...rule }],
    } as CacheFile;
    const house = await startHouse({ config: { cache } });
    expect(await statusOf(house, body, headers)).toBe('economizer; fwd=bypass; detail=policy-off');
    if (otherBody === '') return;
    const path = otherBody?.includes('"prompt"') === true ? '/v1/completions' : chatPath;
    expect(await statusOf(house, otherBody, otherHeaders, path)).toContain('stored');
  });

  it('by the first rule that fits, and what was chosen is shown', async () => {
    const cache = {
      policies: { none: { mode: 'off' } },
      rules: [
        { policy: 'tool-results', agent: 'a', model: '*' },
        { policy: 'none', agent: '*' },
      ],
    } as CacheFile;
    const house = await startHouse({ config: { cache } });
    const headers = { 'x-economizer-agent': 'a' };
    await ask(house, question, headers);
    const hit = await ask(house, question, headers);
    expect(hit.headers['cache-status']).toMatch(/hit; ttl=(600|599); detail=l1/);
    expect(hit.headers['x-economizer-trail']).toContain('recall=hit:l1:tool-results');
    expect(await statusOf(house, question, { 'x-economizer-agent': 'b' })).toContain('policy-off');
  });

  it('by default as PRODUCT has it: embeddings for two hours on disk, the rest for one hour', async () => {
    const house = await startHouse();
    const embedding = JSON.stringify({ model: 'text-embedding-3-small', input: 'a' });
    await ask(house, embedding, {}, '/v1/embeddings');
    const hit = await statusOf(house, embedding, {}, '/v1/embeddings');
    expect(hit).toMatch(/hit; ttl=7(200|199|198); detail=l3/);
    await ask(house, question);
    expect(await statusOf(house)).toMatch(/hit; ttl=3(600|599|598); detail=l1/);
  });
});

describe('modes', () => {
  it.each<[string, string, string]>([
    ['off', 'fwd=bypass; detail=policy-off', 'fwd=bypass; detail=policy-off'],
    ['read-only', 'fwd=uri-miss', 'fwd=uri-miss'],
    [
      'write-only',
      'fwd=bypass; stored; detail=write-only',
      'fwd=bypass; stored; detail=write-only',
    ],
    ['on', 'fwd=uri-miss; stored', 'hit; '],
  ])('%s', async (mode, first, second) => {
    const house = await underPolicy({ mode });
    expect(await statusOf(house)).toBe(`economizer; ${first}`);
    expect(await statusOf(house)).toContain(second);
  });

  it('read-only serves what others stored, write-only stores for them', async () => {
    const cache = {
      policies: { reads: { mode: 'read-only' }, writes: { mode: 'write-only' } },
      rules: [
        { policy: 'reads', agent: 'reader' },
        { policy: 'writes', agent: 'writer' },
      ],
    } as CacheFile;
    const house = await startHouse({ config: { cache } });
    await ask(house, question, { 'x-economizer-agent': 'writer' });
    expect(await statusOf(house, question, { 'x-economizer-agent': 'reader' })).toContain('hit');
  });
});

describe('times', () => {
  it('end after ttl, by the policy of who reads where that is shorter', async () => {
    const clock = handClock();
    const cache = {
      policies: { short: { ttl: '10s' } },
      rules: [{ policy: 'short', agent: 'hasty' }],
    } as CacheFile;
    const house = await startHouse({ clock, config: { cache } });
    await ask(house);
    clock.advance(11_000);
    expect(await statusOf(house, question, { 'x-economizer-agent': 'hasty' })).toContain(
      'fwd=stale',
    );
    expect(await statusOf(house)).toContain('hit');
  });

  it('are shortened by chance with jitter', async () => {
    const house = await underPolicy({ ttl: '1h', jitter: 0.5 });
    const left = new Set<number>();
    for (let seed = 0; seed < 8; seed++) {
      const body = chat({ temperature: 0, seed });
      await ask(house, body);
      left.add(Number(/ttl=(\d+)/.exec(await statusOf(house, body))![1]));
    }
    expect(Math.min(...left)).toBeGreaterThanOrEqual(1798);
    expect(Math.max(...left)).toBeLessThanOrEqual(3600);
    expect(left.size).toBeGreaterThan(3);
  });

  it('have a grace when the provider fails', async () => {
    const clock = handClock();
    const house = await underPolicy({ ttl: '10s', stale_if_error: '1m' }, { clock });
    await ask(house);
    clock.advance(30_000);
    house.provider.failNext({ kind: 'status', status: 503 });
    expect(await statusOf(house)).toContain('detail=stale-if-error');
  });

  it('are renewed in the background only where the new answer will probably serve', async () => {
    const clock = handClock();
    const policy = { ttl: '10s', stale_while_revalidate: '1m', refresh_chance: 0.9 };
    const house = await underPolicy(policy, { clock });
    await ask(house);
    clock.advance(60_000);
    // One call in a minute: another in the seventy seconds that a new answer would serve comes with a chance of 0.69, after two with 0.90.
    expect(await statusOf(house)).toContain('hit; ttl=-50');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(house.provider.calls).toHaveLength(1);
    expect(await statusOf(house)).toContain('hit; ttl=-50');
    await until(() => house.provider.calls.length === 2);
  });
});

describe('where and how', () => {
  it('levels', async () => {
    const memory = await underPolicy({ levels: ['memory'] });
    await ask(memory);
    await memory.gateway.assembly.stack.flush();
    const counts = await memory.gateway.assembly.stack.stats();
    expect(counts.map(({ tier, stats }) => [tier, stats?.entries])).toEqual([
      ['l1', 1],
      ['l3', 0],
    ]);
    const disk = await underPolicy({ levels: ['disk'] });
    await ask(disk);
    expect(await statusOf(disk)).toContain('detail=l3');
    expect(await statusOf(disk)).toContain('detail=l3');
  });

  const long = 'the same words over and over '.repeat(3000);
  it.each<[boolean, (bytes: number) => boolean]>([
    [true, (bytes) => bytes < 20_000],
    [false, (bytes) => bytes > 80_000],
  ])('compress: %s', async (compress, holds) => {
    const answer = () => ({ text: long });
    const house = await underPolicy(
      { compress, levels: ['memory', 'disk'] },
      { provider: { answer } },
    );
    const first = await ask(house);
    const again = await ask(house);
    expect(again.headers['cache-status']).toContain('detail=l1');
    expect(again.body.equals(first.body)).toBe(true);
    await house.gateway.assembly.stack.flush();
    const [l1, l3] = await house.gateway.assembly.stack.stats();
    expect(holds(l1!.stats!.bytes)).toBe(true);
    expect(l3!.stats!.bytes > 80_000).toBe(!compress);
  });

  it.each([
    [true, 1],
    [false, 2],
  ])('deduplicate: %s', async (deduplicate, copies) => {
    const noise = Array.from({ length: 4000 }, (_, index) =>
      createHash('sha256').update(`${index}`).digest('hex'),
    ).join('');
    const bytes = Buffer.from(
      JSON.stringify({
        id: 'r',
        object: 'chat.completion',
        created: 1,
        model: 'gpt-4o',
        choices: [
          { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: noise } },
        ],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      }),
    );
    const answer = () => ({ bytes, contentType: 'application/json' });
    const house = await underPolicy(
      { deduplicate, compress: false, levels: ['disk'] },
      { provider: { answer } },
    );
    await ask(house, chat({ temperature: 0, seed: 1 }));
    await ask(house, chat({ temperature: 0, seed: 2 }));
    await house.gateway.assembly.stack.flush();
    const stats = (await house.gateway.assembly.stack.stats()).find(
      ({ tier }) => tier === 'l3',
    )!.stats!;
    expect(stats.entries).toBe(2);
    expect(Math.round(stats.bytes / bytes.length)).toBe(copies);
  });

  it('max_answer_bytes', async () => {
    const house = await underPolicy(
      { max_answer_bytes: 1024 },
      { provider: { answer: () => ({ text: 'x'.repeat(2000) }) } },
    );
    await ask(house);
    expect(await statusOf(house)).toContain('uri-miss');
  });

  it.each([
    ['in a named session', { 'x-economizer-session': 's' }],
    ['that is known by how it began', {}],
  ])('messages: the answers to the latest calls of a conversation %s', async (_name, headers) => {
    const house = await underPolicy({ extends: 'conversation-context', messages: 3 });
    for (let turns = 1; turns <= 5; turns++) await ask(house, conversation(turns), headers);
    await ask(house, conversation(0, 'other'), {});
    await until(() => house.rows.length === 6);
    const found = [];
    for (let turns = 5; turns >= 1; turns--) {
      const answer = await statusOf(house, conversation(turns), {
        ...headers,
        'cache-control': 'only-if-cached',
      });
      found.push(answer.includes('hit'));
    }
    expect(found).toEqual([true, true, true, false, false]);
    expect(await statusOf(house, conversation(0, 'other'))).toContain('hit');
  });
});

describe('what is the same', () => {
  it('ignore: members that do not count', async () => {
    const house = await underPolicy({ ignore: ['trace'] });
    await ask(house, chat({ temperature: 0, trace: 'a' }));
    expect(await statusOf(house, chat({ temperature: 0, trace: 'b' }))).toContain('hit');
    expect(await statusOf(house, chat({ temperature: 0, trace: 'b', other: 1 }))).toContain('miss');
    const plain = await startHouse();
    await ask(plain, chat({ temperature: 0, trace: 'a' }));
    expect(await statusOf(plain, chat({ temperature: 0, trace: 'b' }))).toContain('miss');
  });

  it('reuse_sampled and reuse_unset', async () => {
    const sampled = chat({ temperature: 0.7 });
    const house = await underPolicy({ reuse_sampled: true, reuse_unset: false });
    await ask(house, sampled);
    expect(await statusOf(house, sampled)).toContain('hit');
    expect(await statusOf(house, chat())).toContain('detail=sampling-unset');
  });
});

describe('refusals', () => {
  it.each<[number, string, boolean]>([
    [400, 'invalid_request_error: max_tokens is too large', true],
    [404, 'model not found', true],
    [400, 'Your credit balance is too low', false],
    [401, 'bad key', false],
    [429, 'slow down', false],
    [500, 'oops', false],
  ])('of status %d (%s) are kept for negative_ttl: %s', async (status, message, isKept) => {
    const clock = handClock();
    const body = Buffer.from(JSON.stringify({ error: { message } }));
    const answer = () => ({ bytes: body, contentType: 'application/json', status });
    const house = await underPolicy({ negative_ttl: '10s' }, { provider: { answer }, clock });
    const first = await ask(house);
    const again = await ask(house);
    expect([again.status, again.body.toString()]).toEqual([first.status, body.toString()]);
    expect(String(again.headers['cache-status']).includes('hit')).toBe(isKept);
    expect(house.provider.calls).toHaveLength(isKept ? 1 : 2);
    if (isKept) {
      await until(() => house.rows.length === 2);
      expect(house.rows[1]).toMatchObject({ outcome: 'provider-error', costNanos: 0 });
      expect(house.rows[1]!.savedNanos ?? 0).toBe(0);
      // A caller of a stream gets it as plain as the provider gives it.
      expect((await ask(house, chat({ temperature: 0, stream: true }))).status).toBe(status);
    }
    clock.advance(11_000);
    await ask(house);
    expect(house.provider.calls.length).toBe(isKept ? 2 : 3);
  });

  it('are not kept unless configured', async () => {
    const house = await startHouse();
    house.provider.failNext({ kind: 'status', status: 400 });
    expect((await ask(house)).status).toBe(400);
    expect((await ask(house)).status).toBe(200);
  });
});

describe('scope', () => {
  const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
  const keys = (['acme', 'globex', 'initech'] as const).map((tenant) => ({
    id: tenant,
    sha256: sha256(tenant),
    tenant,
  }));
  const as = (key: string) => ({ authorization: `Bearer ${key}` });

  it('is shared by name between the tenants that a policy lists, and nobody else', async () => {
    const policy = { scope: 'shared', share_as: 'faq', share_with: ['acme', 'globex'] };
    const cache = {
      policies: { faq: policy },
      rules: [{ policy: 'faq', agent: 'faq' }],
    } as CacheFile;
    const house = await startHouse({ config: { access: { keys }, cache } });
    const faq = (key: string) =>
      statusOf(house, question, { ...as(key), 'x-economizer-agent': 'faq' });
    expect(await faq('acme')).toContain('stored');
    expect(await faq('globex')).toContain('hit');
    expect(await faq('initech')).toContain('stored');
    // Without the policy each keeps to itself.
    expect(await statusOf(house, question, as('globex'))).toContain('stored');
    expect(await statusOf(house, question, as('acme'))).toContain('stored');
  });

  it('is the team’s alone', async () => {
    const teams = ['red', 'blue'].map((team) => ({
      id: team,
      sha256: sha256(team),
      tenant: 'acme',
      team,
    }));
    const cache = { policies: { own: { scope: 'team' } }, rules: [{ policy: 'own' }] } as CacheFile;
    const config = { access: { keys: teams }, cache } as ConfigFile;
    const house = await startHouse({ config });
    expect(await statusOf(house, question, as('red'))).toContain('stored');
    expect(await statusOf(house, question, as('blue'))).toContain('stored');
    expect(await statusOf(house, question, as('red'))).toContain('hit');
  });
});

describe('show_keys', () => {
  it('tells the key of a call, the same for the miss and the hit', async () => {
    const house = await startHouse({
      config: { data: temporaryFolder(), cache: { show_keys: true } },
    });
    const key = /key="([^"]+)"/;
    const first = key.exec(await statusOf(house))?.[1];
    expect(first).toBeDefined();
    expect(key.exec(await statusOf(house))?.[1]).toBe(first);
  });
});
