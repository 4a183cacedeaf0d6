import { describe, expect, it } from 'vitest';
import type { Held } from '../../src/budget/walls.ts';
import { all, balance, charged, standings, walled } from './budget-house.ts';
import { chat, messages, send, startHouse, until } from './harness.ts';

const chatPath = '/v1/chat/completions';
const words = (count: number): string => 'word '.repeat(count);

describe.each(['memory', 'sqlite'] as const)('a budget in %s', (store) => {
  const budgeting = { store };

  it('lets calls pass and charges what they cost', async () => {
    const house = await walled([all(1)], { config: { budgeting } });
    for (const [path, body] of [
      [chatPath, chat({ max_tokens: 50 })],
      [chatPath, chat()],
      [chatPath, chat({ stream: true })],
      ['/v1/messages', messages()],
      ['/v1/messages', messages({ stream: true })],
      ['/v1/embeddings', JSON.stringify({ model: 'text-embedding-3-small', input: 'x' })],
    ] as const) {
      expect((await send(house.url + path, body)).status).toBe(200);
    }
    await until(() => house.rows.length === 6);
    expect(house.rows.every(({ costNanos }) => costNanos! > 0)).toBe(true);
    expect(house.rows.every(({ chargedNanos }) => chargedNanos === undefined)).toBe(true);
    expect(await balance(house)).toEqual({ spent: charged(house), held: 0 });
  });

  it('is never passed by 200 calls at once, streams or not', async () => {
    const house = await walled([all('0.005')], {
      config: { budgeting },
      provider: { firstByteMs: 5, answer: () => ({ text: words(60) }) },
    });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        send(house.url + chatPath, chat({ max_tokens: 60, stream: index % 2 === 0 })),
      ),
    );
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(passed).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(200 - passed);
    expect(house.provider.calls).toHaveLength(passed);
    await until(() => house.rows.length === 200);
    const { spent, held } = await balance(house);
    expect(held).toBe(0);
    expect(spent).toBe(charged(house));
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThanOrEqual(5_000_000);
  });

  it('is there for who was never seen before, in the very first moment', async () => {
    const house = await walled([all('0.004', { scope: { agent: '*' } })], {
      config: { budgeting },
      provider: { firstByteMs: 5 },
    });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        send(house.url + chatPath, chat({ max_tokens: 60 }), {
          headers: { 'x-economizer-agent': `agent-${index % 4}` },
        }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    const each = await standings(house);
    const names = each
      .map(({ value }) => value!)
      .toSorted((one, other) => one.localeCompare(other));
    expect(names).toEqual(['agent-0', 'agent-1', 'agent-2', 'agent-3']);
    expect(each.every(({ spent }) => spent > 0)).toBe(true);
    for (const { spent, held } of each) expect(spent + held).toBeLessThanOrEqual(4_000_000);
  });

  it('holds on all budgets of a call or on none', async () => {
    const budgets = [
      all(1, { id: 'house' }),
      all('0.0000001', { id: 'session', period: 'session' }),
      all('0.5', { id: 'soft', hard: false, period: 'daily' }),
    ];
    const house = await walled(budgets, { config: { budgeting } });
    const answer = await send(house.url + chatPath, chat({ max_tokens: 50 }));
    expect(answer.status).toBe(429);
    const found = await standings(house);
    expect(found.map(({ budget, spent, held }) => [budget.id, spent + held])).toEqual([
      ['house', 0],
      ['session', 0],
      ['soft', 0],
    ]);
  });
});

describe('budgets', () => {
  it('count what only a soft one is for, and change nothing of it', async () => {
    const house = await walled([all('0.00001', { hard: false })]);
    for (let call = 0; call < 3; call++) {
      const answer = await send(
        house.url + chatPath,
        chat({ model: call === 2 ? 'unheard-of' : 'gpt-4o' }),
      );
      expect(answer.status).toBe(200);
      expect(house.provider.calls[call]!.json).not.toHaveProperty('max_completion_tokens');
    }
    const { spent } = await balance(house);
    expect(spent).toBeGreaterThan(10_000);
    expect(spent).toBe(charged(house));
  });

  it('send the model’s maximum where the caller sets no cap, and leave other caps alone', async () => {
    const house = await walled([all(5)]);
    await send(house.url + chatPath, chat());
    await send(house.url + chatPath, chat({ max_tokens: 7 }));
    await send(house.url + '/v1/messages', messages());
    expect(
      house.provider.calls.map(({ json }) => [json!['max_completion_tokens'], json!['max_tokens']]),
    ).toEqual([
      [16_384, undefined],
      [undefined, 7],
      [undefined, 100],
    ]);
  });

  it('let pass what is free, and refuse what nobody can bound', async () => {
    const house = await walled([all('0.0000001')]);
    const count = JSON.stringify({ model: 'claude-sonnet-5-5', messages: [] });
    expect((await send(`${house.url}/v1/messages/count_tokens`, count)).status).toBe(200);
    expect((await send(`${house.url}/v1/models`, undefined, { method: 'GET' })).status).toBe(200);
    expect(await balance(house)).toEqual({ spent: 0, held: 0 });

    // Paths that pass untouched meet the same wall.
    const upload = await send(`${house.url}/openai/v1/audio/speech`, '{"model":"tts-1"}');
    expect([upload.status, JSON.parse(String(upload.body)).error.economizer.reason]).toEqual([
      429,
      'opaque-path',
    ]);
    const unknown = await send(house.url + chatPath, chat({ model: 'unheard-of', max_tokens: 5 }));
    expect(JSON.parse(String(unknown.body)).error.economizer).toEqual({
      code: 'ECO_UNBOUNDED',
      budget: 'all',
      reason: 'price-unknown',
    });
    expect(house.provider.calls).toHaveLength(2);
  });

  it('hold and charge a ceiling where one is set', async () => {
    const budgeting = {
      ceilings: [
        { model: 'unheard-*', usd: '0.01' },
        { path: '/audio/*', usd: '0.02' },
      ],
    };
    const house = await walled([all('0.035')], { config: { budgeting } });
    const ask = chat({ model: 'unheard-of' });
    expect((await send(house.url + chatPath, ask)).status).toBe(200);
    expect(house.rows[0]).toMatchObject({ costNanos: undefined, chargedNanos: 10_000_000 });
    const speech = await send(`${house.url}/openai/v1/audio/speech`, '{}');
    expect(speech.status).toBe(404); // the fake provider does not know it; errors are not billed
    expect(await balance(house)).toEqual({ spent: 10_000_000, held: 0 });
    expect((await send(`${house.url}/openai/v1/images`, '{}')).status).toBe(429);
  });

  it('charge nothing for what the provider does not bill', async () => {
    const house = await walled([all(1)]);
    house.provider.failNext({ kind: 'status', status: 500 });
    await send(house.url + chatPath, chat());
    house.provider.failNext({ kind: 'html', status: 502 });
    await send(house.url + chatPath, chat());
    expect(await balance(house)).toEqual({ spent: 0, held: 0 });
    const dead = await walled([all(1)], {
      config: { providers: { openai: { base_url: 'http://127.0.0.1:1/v1' } } as never },
    });
    expect((await send(dead.url + chatPath, chat())).status).toBe(502);
    expect(await balance(dead)).toEqual({ spent: 0, held: 0 });
    expect(dead.rows[0]).toMatchObject({ costNanos: 0, chargedNanos: undefined });
  });

  it('charge the whole hold for what may have been billed', async () => {
    const house = await walled([all(1)]);
    house.provider.failNext({ kind: 'refuse' }); // the request was read, and no answer came
    await send(house.url + chatPath, chat({ max_tokens: 100 }));
    const { spent, held } = await balance(house);
    expect(held).toBe(0);
    expect(spent).toBeGreaterThan(100 * 10_000); // a hundred tokens at ten dollars a million, and the input
    expect(house.rows[0]).toMatchObject({ outcome: 'upstream-failure', chargedNanos: spent });
  });

  it('charge nothing for a call that was called off while it waited for a connection', async () => {
    const house = await walled([all(1)], {
      config: { providers: { openai: { connections: 1 } } as never },
      provider: { firstByteMs: 400 },
    });
    const first = send(house.url + chatPath, chat({ max_tokens: 5 }));
    await until(() => house.provider.calls.length === 1);
    const second = await send(house.url + chatPath, chat({ max_tokens: 50 }), {
      headers: { 'x-economizer-deadline': '50ms' },
    });
    expect([second.status, (await first).status]).toEqual([504, 200]);
    expect(house.provider.calls).toHaveLength(1);
    const [late, paid] = house.rows;
    expect(late).toMatchObject({
      errorCode: 'ECO_DEADLINE',
      costNanos: 0,
      chargedNanos: undefined,
    });
    expect(await balance(house)).toEqual({ spent: paid!.costNanos, held: 0 });
  });

  it('charge a stream without a count of the provider’s at its bound', async () => {
    const stream_usage = 'estimate';
    const house = await walled([all(1)], {
      config: { providers: { openai: { stream_usage } } as never },
      provider: { answer: () => ({ text: words(20) }) },
    });
    await send(house.url + chatPath, chat({ stream: true, max_tokens: 1000 }));
    const [row] = house.rows;
    expect(row!.usageSource).toBe('estimated');
    const { spent } = await balance(house);
    expect(spent).toBe(row!.chargedNanos);
    expect(spent).toBeGreaterThan(row!.costNanos!);
    expect(spent).toBeLessThan(1000 * 10_000); // less than its cap: what was written was counted
  });

  it('charge a caller who leaves what came so far at most', async () => {
    const house = await walled([all(1)], {
      provider: { gapMs: 20, answer: () => ({ text: words(300) }) },
    });
    await send(house.url + chatPath, chat({ stream: true, max_tokens: 10_000 }), {
      onChunk: (_chunk, leave) => leave(),
    });
    await until(() => house.rows.length === 1);
    const { spent, held } = await balance(house);
    expect(held).toBe(0);
    expect(house.rows[0]).toMatchObject({ outcome: 'cancelled', chargedNanos: spent });
    expect(spent).toBeGreaterThan(house.rows[0]!.costNanos!);
    expect(spent).toBeLessThan(10_000 * 10_000);
  });

  it('cut a stream that would pass its hold, by the rules of its dialect', async () => {
    const house = await walled([all(1)], { provider: { answer: () => ({ text: words(2000) }) } });
    const answer = await send(house.url + chatPath, chat({ stream: true, max_tokens: 10 }));
    const events = String(answer.body);
    expect(events).toContain('"finish_reason":"length"');
    expect(events.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(events.length).toBeLessThan(4000);
    const { spent, held } = await balance(house);
    expect([spent <= house.rows[0]!.chargedNanos!, held]).toEqual([true, 0]);
  });

  it('hold once for calls that share a flight, and nothing for stored answers', async () => {
    const house = await walled([all(1)], {
      config: { cache: { enabled: true } },
      provider: { firstByteMs: 30 },
    });
    const ask = chat({ temperature: 0, max_tokens: 20 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => send(house.url + chatPath, ask)),
    );
    answers.push(await send(house.url + chatPath, ask));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(house.provider.calls).toHaveLength(1);
    expect(await balance(house)).toEqual({ spent: charged(house), held: 0 });
    expect(house.rows.filter(({ costNanos }) => costNanos! > 0)).toHaveLength(1);
    for (const { headers } of answers)
      expect(headers['x-economizer-budget']).toMatch(/^all; left=0\.9/);
  });

  it('let a caller whose own budget allows it go where the leader of its flight was turned away', async () => {
    const budgets = [all('0.0000001', { id: 'poor', scope: { agent: 'poor' } })];
    const house = await walled(budgets, {
      config: { cache: { enabled: true } },
      provider: { firstByteMs: 30 },
    });
    const ask = chat({ temperature: 0, max_tokens: 20 });
    const answers = await Promise.all(
      ['poor', 'rich', 'rich'].map((agent) =>
        send(house.url + chatPath, ask, { headers: { 'x-economizer-agent': agent } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([429, 200, 200]);
  });

  it('are passed by calls that keep stored answers fresh', async () => {
    const house = await walled([all(1)], {
      config: { cache: { ttl: '1s', stale_while_revalidate: '1h' } },
    });
    const ask = chat({ temperature: 0, max_tokens: 20 });
    await send(house.url + chatPath, ask);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await send(house.url + chatPath, ask);
    await until(() => house.rows.some(({ tags }) => tags.includes('revalidation')));
    expect(house.provider.calls).toHaveLength(2);
    await until(() => house.rows.length === 3);
    const { spent, held } = await balance(house);
    expect([spent, held]).toEqual([charged(house), 0]);
    expect(spent).toBe(2 * house.rows[0]!.costNanos!);
  });

  it('are not drawn on to keep stored answers fresh when they are nearly spent', async () => {
    const house = await walled([all(1)], {
      config: { cache: { ttl: '1s', stale_while_revalidate: '1h' } },
    });
    const ask = chat({ temperature: 0, max_tokens: 20 });
    await send(house.url + chatPath, ask);
    const walls = house.gateway.assembly.walls!;
    const [standing] = await walls.standings();
    const touched = walls.touched(
      { tenant: 'default', agent: undefined, session: undefined, tags: [] },
      standing!.at,
    );
    const held = (await walls.hold({ id: 'others', amount: 950_000_000, touched })) as Held;
    expect(held.held).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { headers } = await send(house.url + chatPath, ask);
    expect(headers['cache-status']).toMatch(/hit; ttl=-/);
    await house.gateway.assembly.pipeline.idle();
    expect(house.provider.calls).toHaveLength(1);
    walls.settle(held, 0);
    await send(house.url + chatPath, ask);
    await until(() => house.provider.calls.length === 2);
  });

  it('cost a call nothing where none is configured', async () => {
    const house = await startHouse();
    expect(house.gateway.assembly.walls).toBeUndefined();
    const answer = await send(house.url + chatPath, chat());
    expect(answer.headers).not.toHaveProperty('x-economizer-budget');
    expect(answer.headers['x-economizer-trail']).not.toContain('reserve');
  });
});
