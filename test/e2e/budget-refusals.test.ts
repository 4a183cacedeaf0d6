import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { createEconomizer } from '../../src/index.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { all, balance, walled } from './budget-house.ts';
import { chat, messages, send, temporaryFolder, until } from './harness.ts';

const chatPath = '/v1/chat/completions';
const question = [{ role: 'user' as const, content: 'What is it?' }];
const dayMs = 86_400_000;

describe('a refusal', () => {
  it('says which budget, what is left, what was needed and when it resets', async () => {
    const clock = new SimulatedClock(Date.parse('2026-11-25T18:00:00Z'));
    const budget = all('0.0001', { id: 'team-a', period: 'daily', time_zone: 'America/New_York' });
    const house = await walled([budget], { clock });
    const answer = await send(house.url + chatPath, chat({ max_tokens: 100 }));
    expect(answer.status).toBe(429);
    const { error } = JSON.parse(String(answer.body));
    expect(error).toMatchObject({
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      param: null,
    });
    expect(error.message).toMatch(
      /^The daily budget "team-a" has \$0\.0001 of \$0\.0001 left, and this call can cost up to \$0\.00\d+; .*fewer output tokens/,
    );
    expect(error.economizer).toEqual({
      code: 'ECO_BUDGET',
      budget: 'team-a',
      period: 'daily',
      limit_usd: '0.0001',
      left_usd: '0.0001',
      needed_usd: expect.stringMatching(/^0\.00\d+$/),
      resets_at: '2026-11-26T05:00:00Z',
    });
    expect(answer.headers).toMatchObject({
      'retry-after': String(11 * 3600),
      'x-should-retry': 'false',
      'x-economizer-budget': 'team-a; left=0.0001; limit=0.0001; resets=2026-11-26T05:00:00Z',
    });
    expect(house.provider.calls).toHaveLength(0);
  });

  it('of a budget that never resets names no time', async () => {
    const house = await walled([all('0.0001', { period: 'total' })]);
    const answer = await send(house.url + chatPath, chat({ max_tokens: 100 }));
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect(answer.headers['x-economizer-budget']).toBe('all; left=0.0001; limit=0.0001');
  });

  it('is the vendors’ own error in their SDKs, and is not asked again', async () => {
    const house = await walled([all('0.0000001')]);
    const client = { apiKey: 'k', maxRetries: 5 };
    const openai = await new OpenAI({ ...client, baseURL: `${house.url}/v1` }).chat.completions
      .create({ model: 'gpt-4o', messages: question, stream: true })
      .catch((error: unknown) => error as InstanceType<typeof OpenAI.APIError>);
    const anthropic = await new Anthropic({ ...client, baseURL: house.url }).messages
      .create({ model: 'claude-sonnet-5-5', max_tokens: 9, messages: question })
      .catch((error: unknown) => error as InstanceType<typeof Anthropic.APIError>);
    expect(openai).toBeInstanceOf(OpenAI.RateLimitError);
    expect(openai).toMatchObject({
      status: 429,
      code: 'insufficient_quota',
      type: 'insufficient_quota',
    });
    expect(anthropic).toBeInstanceOf(Anthropic.RateLimitError);
    expect(anthropic).toMatchObject({
      error: { type: 'error', error: { type: 'rate_limit_error', economizer: { budget: 'all' } } },
    });
    expect(house.rows.map(({ outcome, errorCode }) => [outcome, errorCode])).toEqual([
      ['refused', 'ECO_BUDGET'],
      ['refused', 'ECO_BUDGET'],
    ]);
  });

  it('is the same through the toolkit, which tells how budgets stand', async () => {
    const economizer = createEconomizer({
      data: temporaryFolder(),
      budgets: [all('0.0000001')],
    });
    const openai = new OpenAI({ apiKey: 'k', fetch: economizer.fetch });
    const error = await openai.chat.completions
      .create({ model: 'gpt-4o', messages: question })
      .catch((cause: unknown) => cause as InstanceType<typeof OpenAI.APIError>);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect((error as { headers: Headers }).headers.get('x-economizer-budget')).toMatch(
      /^all; left=/,
    );
    expect(await economizer.budgets()).toMatchObject([
      { budget: { id: 'all' }, spent: 0, held: 0 },
    ]);
    await economizer.close();
  });

  it('names no more budgets than a call may draw on', async () => {
    const house = await walled([all(1, { scope: { tag: '*' } })]);
    const tags = (count: number) => ({
      'x-economizer-tags': Array.from({ length: count }, (_, index) => `t${index}`).join(),
    });
    const ask = chat({ max_tokens: 5 });
    expect((await send(house.url + chatPath, ask, { headers: tags(32) })).status).toBe(200);
    expect((await send(house.url + chatPath, ask, { headers: tags(33) })).status).toBe(400);
  });
});

describe('output_cap', () => {
  it('clamp: sends what is left as the cap, says so, and keeps no such answer', async () => {
    const house = await walled([all('0.02')], {
      config: { budgeting: { output_cap: 'clamp', clamp_tokens: 100 }, cache: { enabled: true } },
    });
    for (const [path, body, field] of [
      [chatPath, chat({ temperature: 0 }), 'max_completion_tokens'],
      ['/v1/messages', messages({ max_tokens: 50_000, temperature: 0 }), 'max_tokens'],
    ] as const) {
      const answer = await send(house.url + path, body);
      expect(answer.status).toBe(200);
      const sent = house.provider.calls.at(-1)!.json![field] as number;
      expect(sent).toBeGreaterThanOrEqual(100);
      expect(sent).toBeLessThan(16_384);
      expect(answer.headers['x-economizer-output-cap']).toBe(String(sent));
      expect(answer.headers['x-economizer-trail']).toContain(`reserve=clamped:${sent}`);
      expect(answer.headers['x-economizer-trail']).toContain('remember=not-stored:clamped');
    }
    // A cap that fits is left alone.
    const modest = await send(house.url + chatPath, chat({ max_tokens: 20 }));
    expect(modest.headers).not.toHaveProperty('x-economizer-output-cap');
  });

  it('clamp: refuses rather than send less than clamp_tokens', async () => {
    const house = await walled([all('0.02')], {
      config: { budgeting: { output_cap: 'clamp', clamp_tokens: 10_000 } },
    });
    expect((await send(house.url + chatPath, chat())).status).toBe(429);
  });

  it('wait: waits for others to settle', async () => {
    const house = await walled([all('0.4')], {
      config: { budgeting: { output_cap: 'wait', wait: '20s' } },
      provider: { firstByteMs: 30 },
    });
    // One at a time fits: each holds the model's maximum.
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => send(house.url + chatPath, chat())),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect((await balance(house)).held).toBe(0);
  });

  it('wait: not longer than it may, not for what can never fit, and not for callers who left', async () => {
    const house = await walled([all('0.4')], {
      config: { budgeting: { output_cap: 'wait', wait: '300ms' } },
      provider: { firstByteMs: 1500 },
    });
    const first = send(house.url + chatPath, chat());
    await until(() => house.provider.calls.length === 1);
    const began = performance.now();
    const tooMuch = await send(house.url + chatPath, chat({ max_tokens: 10_000_000 }));
    expect([tooMuch.status, performance.now() - began < 250]).toEqual([429, true]);
    const late = await send(house.url + chatPath, chat());
    expect([late.status, performance.now() - began >= 300]).toEqual([429, true]);
    expect((await first).status).toBe(200);
    expect(house.provider.calls).toHaveLength(1);
  });

  it('refuse: takes only calls that cap their output', async () => {
    const house = await walled([all(1)], { config: { budgeting: { output_cap: 'refuse' } } });
    const answer = await send(house.url + chatPath, chat());
    expect([answer.status, String(answer.body)]).toEqual([
      429,
      expect.stringContaining('max_tokens'),
    ]);
    expect((await send(house.url + chatPath, chat({ max_tokens: 9 }))).status).toBe(200);
  });
});

describe('windows', () => {
  it('turn by the clock alone', async () => {
    const clock = new SimulatedClock(Date.parse('2026-11-25T23:59:59Z'));
    const prices = [{ model: '*', input: 1, output: 10 }];
    const house = await walled([all('0.005', { period: 'daily' })], { clock, config: { prices } });
    const statuses: number[] = [];
    for (const laterMs of [0, 0, 2000, 0, 10 * dayMs]) {
      clock.advance(laterMs);
      const long = [{ role: 'user', content: `${statuses.length}${' word'.repeat(300)}` }];
      const body = chat({ max_tokens: 60, messages: long });
      statuses.push((await send(house.url + chatPath, body)).status);
    }
    expect(statuses).toEqual([200, 429, 200, 429, 200]);
    expect((await balance(house)).spent).toBe(house.rows.at(-1)!.costNanos);
  });
});
