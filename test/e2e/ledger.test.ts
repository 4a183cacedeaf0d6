import { describe, expect, it } from 'vitest';
import { noUsage } from '../../src/exchange/usage.ts';
import { sseText } from '../../src/exchange/sse.ts';
import { dialects } from '../../src/exchange/wire/index.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { DialectName } from '../../src/exchange/dialect.ts';
import { chat, messages, send, startHouse, until, type House } from './harness.ts';

const finals: Partial<Record<DialectName, JsonObject>> = {
  'openai-chat': {
    id: 'c',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
  },
  'openai-responses': { id: 'r', object: 'response', status: 'completed', output: [] },
  'openai-completions': {
    id: 't',
    object: 'text_completion',
    choices: [{ index: 0, text: 'Yes.', finish_reason: 'stop', logprobs: null }],
  },
  'openai-embeddings': {
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: [0.5] }],
  },
  'anthropic-messages': {
    id: 'm',
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text: 'Yes.' }],
    stop_reason: 'end_turn',
  },
};
const paths: Partial<Record<DialectName, string>> = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  'openai-completions': '/v1/completions',
  'openai-embeddings': '/v1/embeddings',
  'anthropic-messages': '/v1/messages',
};

/** A gateway before a provider that gives one answer of a dialect with the given usage, plain or streamed as it is asked. */
function houseWith(name: DialectName, members: JsonObject, config: object = {}): Promise<House> {
  const final = { ...finals[name], ...members };
  return startHouse({
    config,
    provider: {
      answer({ json }) {
        if (json!['stream'] !== true) {
          return { bytes: Buffer.from(JSON.stringify(final)), contentType: 'application/json' };
        }
        const events = dialects[name].streamEvents(final, { usage: true });
        const bytes = Buffer.from(events.map(sseText).join(''));
        return { bytes, contentType: 'text/event-stream' };
      },
    },
  });
}

async function rowOf(house: House, name: DialectName, model: string, stream: boolean) {
  const asked = { model, messages: [], input: 'a', prompt: 'a', max_tokens: 9 };
  const body = JSON.stringify({ ...asked, ...(stream ? { stream } : {}) });
  const before = house.rows.length;
  await send(house.url + paths[name]!, body, { headers: { 'cache-control': 'no-store' } });
  await until(() => house.rows.length > before);
  return house.rows.at(-1)!;
}

const dollar = 1_000_000_000;

describe.each([false, true])('what a call used and cost (streaming: %s)', (stream) => {
  it.each<[string, DialectName, string, JsonObject, object, number | undefined]>([
    [
      'the first golden case: Claude writes for five minutes',
      'anthropic-messages',
      'claude-3-7-sonnet-20250219',
      {
        usage: {
          input_tokens: 3,
          cache_creation_input_tokens: 12_304,
          cache_read_input_tokens: 0,
          output_tokens: 550,
        },
      },
      { fresh: 3, cacheWrite5m: 12_304, output: 550 },
      0.054399,
    ],
    [
      'the second golden case: Opus 4.7',
      'anthropic-messages',
      'claude-opus-4-7',
      {
        usage: {
          input_tokens: 6,
          cache_creation_input_tokens: 159_217,
          cache_read_input_tokens: 0,
          output_tokens: 2_745,
        },
      },
      { fresh: 6, cacheWrite5m: 159_217, output: 2_745 },
      1.06376125,
    ],
    [
      'Claude’s two lifetimes, reads and searches',
      'anthropic-messages',
      'claude-sonnet-4-5',
      {
        usage: {
          input_tokens: 10,
          cache_creation_input_tokens: 300,
          cache_read_input_tokens: 1000,
          cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
          output_tokens: 20,
          server_tool_use: { web_search_requests: 2 },
        },
      },
      {
        fresh: 10,
        cacheRead: 1000,
        cacheWrite5m: 100,
        cacheWrite1h: 200,
        output: 20,
        webSearches: 2,
      },
      // $3 and $15 a million; reads a tenth, writes 1.25 and 2 times; searches $10 a thousand.
      (10 * 3 + 1000 * 0.3 + 100 * 3.75 + 200 * 6 + 20 * 15) / 1e6 + 0.02,
    ],
    [
      'OpenAI’s cached tokens, reasoning',
      'openai-chat',
      'gpt-5',
      {
        usage: {
          prompt_tokens: 2000,
          completion_tokens: 100,
          total_tokens: 2100,
          prompt_tokens_details: { cached_tokens: 1536 },
          completion_tokens_details: { reasoning_tokens: 64 },
        },
      },
      { fresh: 464, cacheRead: 1536, output: 36, reasoning: 64 },
      (464 * 1.25 + 1536 * 0.125 + 100 * 10) / 1e6,
    ],
    [
      'the tier that served, not the one asked for',
      'openai-responses',
      'gpt-5',
      {
        service_tier: 'flex',
        usage: { input_tokens: 1000, output_tokens: 10, total_tokens: 1010 },
      },
      { fresh: 1000, output: 10 },
      (1000 * 1.25 + 10 * 10) / 1e6 / 2,
    ],
    [
      'a tier without a price',
      'openai-chat',
      'gpt-5',
      { service_tier: 'gold', usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } },
      { fresh: 1, output: 1 },
      undefined,
    ],
    [
      'legacy completions',
      'openai-completions',
      'gpt-3.5-turbo-instruct',
      { usage: { prompt_tokens: 1000, completion_tokens: 10, total_tokens: 1010 } },
      { fresh: 1000, output: 10 },
      (1000 * 1.5 + 10 * 2) / 1e6,
    ],
    [
      'a model that nobody has a price for',
      'openai-chat',
      'mystery-9',
      { usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 } },
      { fresh: 5, output: 5 },
      undefined,
    ],
  ])('%s', async (_name, dialect, model, members, usage, usd) => {
    const house = await houseWith(dialect, { model, ...members });
    const row = await rowOf(house, dialect, model, stream);
    expect(row).toMatchObject({ outcome: 'ok', usageSource: 'provider', streamed: stream });
    expect(row.usage).toEqual({ ...noUsage, ...usage });
    const nanos = usd === undefined ? undefined : Math.round(usd * dollar);
    expect([row.costNanos, row.withoutCostNanos]).toEqual([nanos, nanos]);
  });
});

it('embeddings are priced by their input', async () => {
  const model = 'text-embedding-3-small';
  const usage = { prompt_tokens: 1_000_000, total_tokens: 1_000_000 };
  const house = await houseWith('openai-embeddings', { model, usage });
  const row = await rowOf(house, 'openai-embeddings', model, false);
  expect([row.usage!.fresh, row.costNanos]).toEqual([1_000_000, 0.02 * dollar]);
});

it('prices of the configuration go first, from their day on', async () => {
  const model = 'mystery-9';
  const usage = { prompt_tokens: 1_000_000, completion_tokens: 1, total_tokens: 1_000_001 };
  const day = (offset: number): string =>
    new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const house = await houseWith(
    'openai-chat',
    { model, usage },
    {
      prices: [
        { model: 'mystery-*', input: 7, output: 1, to: day(-1) },
        { model: 'mystery-*', input: 3, output: 1, from: day(-1), to: day(1) },
        { model: 'mystery-*', input: 9, output: 1, from: day(1) },
      ],
    },
  );
  expect((await rowOf(house, 'openai-chat', model, false)).costNanos).toBe(3 * dollar + 1000);
});

describe('a stream that its caller leaves', () => {
  it.each([
    ['openai-chat', '/v1/chat/completions', chat({ stream: true })],
    ['anthropic-messages', '/v1/messages', messages({ stream: true })],
    ['openai-responses', '/v1/responses', '{"model":"gpt-5","input":"What?","stream":true}'],
  ])('is booked with what was written so far: %s', async (_name, path, body) => {
    const house = await startHouse({
      provider: { gapMs: 5, answer: () => ({ text: 'some words '.repeat(300) }) },
    });
    let bytes = 0;
    await send(house.url + path, body, {
      onChunk(chunk, leave) {
        bytes += chunk.length;
        if (bytes > 4000) leave();
      },
    }).catch(() => {});
    await until(() => house.rows.length === 1);
    const [row] = house.rows;
    expect(row).toMatchObject({ outcome: 'cancelled', usageSource: 'estimated', savedNanos: 0 });
    expect(row!.usage!.output).toBeGreaterThan(10);
    expect(row!.usage!.output).toBeLessThan(600);
    expect(row!.costNanos).toBeGreaterThan(0);
    await until(() => house.provider.inFlight === 0);
  });
});

it('who joins a flight late is credited with no more than a hot prefix would have left to save', async () => {
  const long = 'The boiler gives its heat again. '.repeat(400);
  const body = chat({
    temperature: 0,
    stream: true,
    messages: [{ role: 'user', content: long }],
  });
  const house = await startHouse({
    provider: { gapMs: 10, answer: () => ({ text: 'word '.repeat(100) }) },
  });
  let late: ReturnType<typeof send> | undefined;
  await send(`${house.url}/v1/chat/completions`, body, {
    onChunk: () => void (late ??= send(`${house.url}/v1/chat/completions`, body)),
  });
  await late;
  await until(() => house.rows.length === 2);
  const leader = house.rows.find(({ source }) => source === 'upstream')!;
  const follower = house.rows.find(({ source }) => source === 'flight')!;
  expect(follower).toMatchObject({ savedBy: 'coalescing', savedBasis: 'estimated' });
  expect(follower.withoutUsage!.cacheRead).toBeGreaterThan(1024);
  expect(follower.savedNanos!).toBeLessThan(leader.costNanos!);
});

it('the report adds up what the rows say, with what is unknown counted apart', async () => {
  const usage = { prompt_tokens: 1000, completion_tokens: 10, total_tokens: 1010 };
  const house = await houseWith('openai-chat', { usage });
  for (const model of ['gpt-5', 'mystery-9']) {
    await send(`${house.url}/v1/chat/completions`, chat({ model, temperature: 0 }));
    await send(`${house.url}/v1/chat/completions`, chat({ model, temperature: 0 }));
  }
  await send(`${house.url}/v1/chat/completions`, '{');
  const { ledger } = house.gateway.assembly;
  await ledger!.flush();
  const lines = await ledger!.report({ by: 'model' });
  const cost = Math.round(((1000 * 1.25 + 10 * 10) / 1e6) * dollar);
  expect(lines.find(({ group }) => group === 'gpt-5')).toMatchObject({
    calls: 2,
    reused: 1,
    costNanos: cost,
    unpriced: 0,
    withoutCostNanos: 2 * cost,
  });
  expect(lines.find(({ group }) => group === 'mystery-9')).toMatchObject({
    calls: 2,
    costNanos: 0,
    unpriced: 1,
    withoutUnknown: 2,
  });
  const outcomes = await ledger!.report({ by: 'outcome' });
  expect(outcomes.map(({ group, calls }) => [group, calls])).toEqual([
    ['ok', 4],
    ['refused', 1],
  ]);
});
