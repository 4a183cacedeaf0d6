/** One test for each trap of caching model answers that no other test of the cache names. */
import { describe, expect, it } from 'vitest';
import type { FakeAnswer, FakeBytes } from '../../src/testing/fake-answer.ts';
import { listFixtures } from '../wire/fixtures.ts';
import { chat, messages, send, startHouse, until, type House } from './harness.ts';

const chatPath = '/v1/chat/completions';
const question = chat({ temperature: 0 });

async function statusOf(house: House, body: string, path = chatPath): Promise<string> {
  const answer = await send(house.url + path, body);
  return /hit|fwd=[a-z-]+/.exec(String(answer.headers['cache-status']))?.[0] ?? 'none';
}

function answering(answer: FakeAnswer | FakeBytes): Promise<House> {
  return startHouse({ provider: { answer: () => answer } });
}

const event = (data: object, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;

describe('a stream that ends without its last event', () => {
  const said = { index: 0, delta: { content: 'All of it.' }, finish_reason: 'stop' };
  it.each([
    [
      '[DONE]',
      chatPath,
      chat({ stream: true, temperature: 0 }),
      event({ id: 'c', choices: [said] }),
    ],
    [
      '[DONE] of completions',
      '/v1/completions',
      '{"model":"m","prompt":"a","stream":true}',
      event({ id: 'c', choices: [{ index: 0, text: 'All.', finish_reason: 'stop' }] }),
    ],
    [
      'response.completed',
      '/v1/responses',
      '{"model":"gpt-5","input":"a","stream":true}',
      event({ type: 'response.created', response: { id: 'r', output: [] } }, 'response.created'),
    ],
    [
      'message_stop',
      '/v1/messages',
      messages({ stream: true }),
      event({ type: 'message_start', message: { id: 'm', content: [] } }, 'message_start') +
        event({ type: 'message_delta', delta: { stop_reason: 'end_turn' } }, 'message_delta'),
    ],
  ])('%s is passed on as it is and not kept', async (_name, path, body, text) => {
    const house = await answering({ bytes: Buffer.from(text), contentType: 'text/event-stream' });
    const first = await send(house.url + path, body);
    expect([first.status, first.body.toString()]).toEqual([200, text]);
    expect(await statusOf(house, body, path)).toBe('fwd=uri-miss');
  });
});

describe('why an answer ended', () => {
  const ended = (finish_reason: string): FakeAnswer => ({
    extra: { choices: [{ index: 0, message: { role: 'assistant', content: 'A' }, finish_reason }] },
  });

  it.each([
    ['length', 'hit'], // the limit on its length is part of the question
    ['tool_calls', 'hit'],
    ['content_filter', 'fwd=uri-miss'],
    ['error', 'fwd=uri-miss'],
  ])('%s: %s', async (reason, expected) => {
    const house = await answering(ended(reason));
    await statusOf(house, question);
    expect(await statusOf(house, question)).toBe(expected);
  });
});

describe('an answer from the store', () => {
  it('keeps the provider’s ids, which name things there, and has an id of ours of its own', async () => {
    const house = await startHouse();
    const [first, again] = [
      await send(house.url + chatPath, question),
      await send(house.url + chatPath, question),
    ];
    expect(again.body.equals(first.body)).toBe(true);
    expect(again.headers['x-economizer-id']).not.toBe(first.headers['x-economizer-id']);
  });

  it('tells the usage that its answer had, and that it cost nothing', async () => {
    const house = await startHouse();
    const first = await send(house.url + chatPath, question);
    const again = await send(house.url + chatPath, question);
    expect(JSON.parse(again.body.toString()).usage).toEqual(
      JSON.parse(first.body.toString()).usage,
    );
    expect([again.headers['x-economizer-cost'], house.rows[1]!.costNanos]).toEqual(['0', 0]);
    expect(again.headers['x-economizer-saved']).toBe(first.headers['x-economizer-cost']);
  });

  it('has no header that belongs to another call or account', async () => {
    const house = await startHouse();
    for (const [path, body] of [
      [chatPath, question],
      ['/v1/messages', messages()],
    ] as const) {
      const first = await send(house.url + path, body);
      const again = await send(house.url + path, body);
      const foreign = /cookie|ratelimit|request-id|organization|processing|cf-/;
      const names = (headers: object): string[] =>
        Object.keys(headers).filter((n) => foreign.test(n));
      expect(names(first.headers).length).toBeGreaterThan(2);
      expect(names(again.headers)).toEqual([]);
    }
  });

  it('is byte for byte the stream that came, thinking signatures and all', async () => {
    const thinking = listFixtures('anthropic-messages').find(
      ({ name, streamed }) => name === 'thinking' && streamed,
    )!;
    const bytes = { bytes: thinking.response, contentType: 'text/event-stream' };
    const house = await answering(bytes);
    const [, again] = [
      await send(`${house.url}/v1/messages`, thinking.request),
      await send(`${house.url}/v1/messages`, thinking.request),
    ];
    expect(again.headers['cache-status']).toContain('hit');
    expect(again.body.equals(thinking.response)).toBe(true);
  });
});

describe('chance', () => {
  it.each<[object, string]>([
    [{}, 'hit'],
    [{ temperature: 0 }, 'hit'],
    [{ temperature: 0.7, seed: 7 }, 'hit'],
    [{ temperature: 0.7 }, 'fwd=bypass'],
    [{ temperature: 0.7, top_p: 0.1 }, 'fwd=bypass'],
    [{ temperature: 1e-9 }, 'fwd=bypass'],
  ])('%j: %s', async (extra, expected) => {
    const house = await startHouse();
    await statusOf(house, chat(extra));
    expect(await statusOf(house, chat(extra))).toBe(expected);
  });

  it('is reused where the operator says so', async () => {
    const house = await startHouse({ config: { cache: { reuse_sampled: true } } });
    await statusOf(house, chat({ temperature: 1 }));
    expect(await statusOf(house, chat({ temperature: 1 }))).toBe('hit');
  });
});

describe('what makes another question', () => {
  const image = (data: string): object => ({
    messages: [
      {
        role: 'user',
        content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }],
      },
    ],
  });

  it.each<[string, object, object]>([
    ['the model', { model: 'gpt-4o' }, { model: 'gpt-4o-2024-08-06' }],
    ['the seed', { seed: 1 }, { seed: 2 }],
    ['how many answers', { n: 1 }, { n: 2 }],
    ['the limit', { max_tokens: 10 }, { max_tokens: 11 }],
    ['a member that nobody knows', { vendor_thing: 1 }, { vendor_thing: 2 }],
    ['the order of tools', { tools: [{ a: 1 }, { b: 1 }] }, { tools: [{ b: 1 }, { a: 1 }] }],
    ['an image’s content', image('AAAA'), image('BBBB')],
    [
      'the form of the answer',
      { response_format: { type: 'text' } },
      { response_format: { type: 'json_object' } },
    ],
    ['reasoning', { reasoning_effort: 'low' }, { reasoning_effort: 'high' }],
  ])('%s', async (_name, one, other) => {
    const house = await startHouse();
    expect(await statusOf(house, chat(one))).toBe('fwd=uri-miss');
    expect(await statusOf(house, chat(one))).toBe('hit');
    expect(await statusOf(house, chat(other))).toBe('fwd=uri-miss');
  });

  it('a whole number beyond 2^53', async () => {
    const house = await startHouse();
    const withSeed = (seed: string): string => question.replace(/}$/, `,"seed":${seed}}`);
    expect(await statusOf(house, withSeed('9007199254740993'))).toBe('fwd=uri-miss');
    expect(await statusOf(house, withSeed('9007199254740992'))).toBe('fwd=uri-miss');
    expect(await statusOf(house, withSeed('9007199254740993'))).toBe('hit');
  });

  it.each<[string, object]>([
    ['who asks', { user: 'someone', safety_identifier: 'x' }],
    ['labels', { metadata: { any: 'thing' } }],
    ['the queue', { service_tier: 'flex' }],
    ['where the provider keeps its prefix', { prompt_cache_key: 'k' }],
  ])('but not %s', async (_name, extra) => {
    const house = await startHouse();
    await statusOf(house, question);
    expect(await statusOf(house, chat({ temperature: 0, ...extra }))).toBe('hit');
  });
});

describe('callers who share a flight', () => {
  const long = { gapMs: 10, answer: () => ({ text: 'word '.repeat(80) }) };
  const streamed = chat({ temperature: 0, stream: true });

  it('all hear of it when it breaks, each behind whole events, and nothing is kept', async () => {
    const house = await startHouse({ provider: long });
    house.provider.failNext({ kind: 'reset', afterChunks: 12 });
    let late: ReturnType<typeof send> | undefined;
    const first = await send(house.url + chatPath, streamed, {
      onChunk: () => void (late ??= send(house.url + chatPath, streamed)),
    });
    const answers = [first, await late!];
    for (const { body, broken } of answers) {
      expect(broken).toBe(false);
      const events = body.toString().trimEnd().split('\n\n');
      expect(JSON.parse(events.at(-1)!.slice(6)).error.code).toBe('ECO_UPSTREAM_RESET');
    }
    expect(answers[1]!.body.equals(answers[0]!.body)).toBe(true);
    await until(() => house.rows.length === 2);
    expect(house.rows.map(({ outcome }) => outcome)).toEqual([
      'upstream-failure',
      'upstream-failure',
    ]);
    expect(house.rows.every(({ savedBy }) => savedBy === undefined)).toBe(true);
    expect(await statusOf(house, streamed)).toBe('fwd=uri-miss');
  });

  it('get its error, status and all, where it fails before it begins', async () => {
    const house = await startHouse({ provider: { firstByteMs: 50 } });
    house.provider.failNext({ kind: 'status', status: 429, headers: { 'retry-after': '9' } });
    const answers = await Promise.all([1, 2, 3].map(() => send(house.url + chatPath, question)));
    expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([
      [429, '9'],
      [429, '9'],
      [429, '9'],
    ]);
    expect(house.provider.calls).toHaveLength(1);
  });
});
