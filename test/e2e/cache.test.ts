import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { chat, messages, send, startHouse, temporaryFolder, until, type House } from './harness.ts';

const chatPath = '/v1/chat/completions';

function ask(house: House, body: string, headers: Record<string, string> = {}, path = chatPath) {
  return send(house.url + path, body, { headers });
}

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

describe('a repeated call', () => {
  it('is answered without the provider, and says so', async () => {
    const house = await startHouse();
    const first = await ask(house, chat({ temperature: 0 }));
    const again = await ask(house, chat({ temperature: 0 }));
    expect(again.body.equals(first.body)).toBe(true);
    expect(first.headers['cache-status']).toBe('economizer; fwd=uri-miss; stored');
    expect(again.headers['cache-status']).toMatch(/^economizer; hit; ttl=3[56]\d\d; detail=l1$/);
    expect(again.headers['age']).toBe('0');
    expect(again.headers['x-economizer-cost']).toBe('0');
    expect(Number(again.headers['x-economizer-saved'])).toBeGreaterThan(0);
    expect(again.headers['set-cookie']).toBeUndefined();
    expect(house.provider.calls).toHaveLength(1);
    expect(house.rows[1]).toMatchObject({
      source: 'l1',
      costNanos: 0,
      savedBy: 'exact-cache',
      savedBasis: 'measured',
      savedNanos: house.rows[0]!.costNanos,
    });
  });

  it('is recognised in another spelling', async () => {
    const house = await startHouse();
    await ask(
      house,
      '{"model":"gpt-4o","messages":[{"role":"user","content":"a"}],"temperature":0}',
    );
    const again = await ask(
      house,
      '{ "temperature": 0.0, "messages":[{"content":"\\u0061","role":"user"}], "model":"gpt-4o" }',
    );
    expect(again.headers['cache-status']).toContain('hit');
  });

  it.each([
    ['openai-chat', chatPath, chat],
    ['anthropic-messages', '/v1/messages', messages],
  ] as const)('serves plain and streaming callers alike: %s', async (_name, path, body) => {
    const answer = () => ({
      text: 'It saves heat.',
      reasoning: 'Think of a boiler.',
      toolCalls: [
        { name: 'look', arguments: { at: 'boiler' } },
        { name: 'look', arguments: { at: 'flue' } },
      ],
    });
    const house = await startHouse({ provider: { answer } });
    const options = { stream_options: { include_usage: true } };
    const extra = path === chatPath ? options : {};
    const streamed = await ask(house, body({ stream: true, ...extra }), {}, path);
    const plain = await ask(house, body(), {}, path);
    expect(plain.headers['cache-status']).toContain('hit');
    expect(plain.headers['content-type']).toContain('application/json');
    const repeated = await ask(house, body({ stream: true, ...extra }), {}, path);
    expect(repeated.body.equals(streamed.body)).toBe(true);
    expect(repeated.headers['content-type']).toContain('text/event-stream');

    const other = await startHouse({ provider: { answer } });
    const direct = await ask(other, body(), {}, path);
    const rendered = await ask(other, body({ stream: true, ...extra }), {}, path);
    expect(rendered.headers['cache-status']).toContain('hit');
    // Ids and counts are of each call; members may stand in another order.
    const strip = (text: string): unknown =>
      JSON.parse(text, (name, value: unknown) =>
        ['id', 'created', 'usage', 'input_tokens'].includes(name) ? undefined : value,
      );
    const events = (bytes: Buffer): unknown[] =>
      [...bytes.toString().matchAll(/^data: (\{.*)$/gm)].map(([, data]) => strip(data!));
    expect(strip(plain.body.toString())).toEqual(strip(direct.body.toString()));
    expect(events(rendered.body)).toEqual(events(streamed.body));
  });

  it('survives a restart, and is promoted to memory with the time that is left', async () => {
    const clock = handClock();
    const data = temporaryFolder();
    const house = await startHouse({ clock, config: { data } });
    const first = await ask(house, chat({ temperature: 0 }));
    await house.gateway.stop();
    clock.advance(1_800_000);
    const next = await startHouse({
      clock,
      config: { data, providers: { openai: { base_url: `${house.provider.url}/v1` } } as never },
    });
    const again = await ask(next, chat({ temperature: 0 }));
    expect(again.body.equals(first.body)).toBe(true);
    expect(again.headers['cache-status']).toBe('economizer; hit; ttl=1800; detail=l3');
    const promoted = await ask(next, chat({ temperature: 0 }));
    expect(promoted.headers['cache-status']).toBe('economizer; hit; ttl=1800; detail=l1');
    expect(next.rows.map((row) => row.source)).toEqual(['l3', 'l1']);
  });
});

describe('what is never reused', () => {
  const embedded = (content: object): object => ({
    messages: [{ role: 'user', content: [content] }],
  });

  it.each<[string, string, string]>([
    ['a draw that was asked for', chatPath, chat({ temperature: 0.7 })],
    [
      'an answer that the provider keeps',
      '/v1/responses',
      '{"model":"gpt-5","input":"a","store":true}',
    ],
    [
      'a continued response',
      '/v1/responses',
      '{"model":"gpt-5","input":"a","previous_response_id":"r"}',
    ],
    ['a kept conversation', '/v1/responses', '{"model":"gpt-5","input":"a","conversation":"c"}'],
    ['a background job', '/v1/responses', '{"model":"gpt-5","input":"a","background":true}'],
    ['a search', '/v1/responses', '{"model":"gpt-5","input":"a","tools":[{"type":"web_search"}]}'],
    [
      'a remote image',
      chatPath,
      chat(embedded({ type: 'image_url', image_url: { url: 'https://x/y' } })),
    ],
    ['a stored file', chatPath, chat(embedded({ type: 'file', file: { file_id: 'f' } }))],
    [
      'a server tool',
      '/v1/messages',
      messages({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
    ],
    ['a container', '/v1/messages', messages({ container: 'c' })],
  ])('%s', async (_name, path, body) => {
    const house = await startHouse();
    await ask(house, body, {}, path);
    const again = await ask(house, body, {}, path);
    expect(again.headers['cache-status']).toMatch(/^economizer; fwd=bypass; detail=/);
    expect(house.provider.calls).toHaveLength(2);
  });

  it.each<[string, object, string?]>([
    ['an error', { kind: 'status', status: 500 }],
    ['a rate limit', { kind: 'status', status: 429 }],
    ['an HTML page', { kind: 'html', status: 200 }],
    ['a stream that was reset', { kind: 'reset', afterChunks: 2 }, 'stream'],
    ['a stream with an error in it', { kind: 'error-event', afterChunks: 2 }, 'stream'],
    ['a torn stream', { kind: 'torn-frame', afterChunks: 2 }, 'stream'],
    ['an answer shorter than promised', { kind: 'lying-length', by: 20 }],
  ])('%s', async (_name, fault, stream) => {
    const house = await startHouse();
    const body = chat({ temperature: 0, ...(stream === undefined ? {} : { stream: true }) });
    house.provider.failNext(fault as never);
    await ask(house, body).catch(() => {});
    const again = await ask(house, body);
    expect(again.headers['cache-status']).toContain('fwd=uri-miss');
    expect(again.status).toBe(200);
    expect(house.provider.calls).toHaveLength(2);
  });

  it.each([
    [
      'filtered',
      {
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: '' },
            finish_reason: 'content_filter',
          },
        ],
      },
    ],
    [
      'refused',
      {
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: null, refusal: 'No.' },
            finish_reason: 'stop',
          },
        ],
      },
    ],
  ])('an answer that was %s', async (_name, extra) => {
    const house = await startHouse({ provider: { answer: () => ({ text: '', extra }) } });
    await ask(house, chat({ temperature: 0 }));
    expect((await ask(house, chat({ temperature: 0 }))).headers['cache-status']).toContain(
      'uri-miss',
    );
  });

  it('a stream whose client left', async () => {
    const house = await startHouse({ provider: { gapMs: 10 } });
    await send(house.url + chatPath, chat({ stream: true, temperature: 0 }), {
      onChunk: (_chunk, leave) => leave(),
    }).catch(() => {});
    await until(() => house.rows.length === 1);
    const again = await ask(house, chat({ stream: true, temperature: 0 }));
    expect(again.headers['cache-status']).toContain('uri-miss');
  });

  it('another tenant’s answer', async () => {
    const house = await startHouse({
      config: { providers: { openai: { credentials: 'caller' } } as never },
    });
    await ask(house, chat({ temperature: 0 }), { authorization: 'Bearer one' });
    const other = await ask(house, chat({ temperature: 0 }), { authorization: 'Bearer two' });
    const own = await ask(house, chat({ temperature: 0 }), { authorization: 'Bearer one' });
    expect(other.headers['cache-status']).toContain('uri-miss');
    expect(own.headers['cache-status']).toContain('hit');
  });

  it('an answer under other vendor headers', async () => {
    const house = await startHouse();
    await ask(house, messages(), { 'anthropic-beta': 'a' }, '/v1/messages');
    const other = await ask(house, messages(), { 'anthropic-beta': 'b' }, '/v1/messages');
    expect(other.headers['cache-status']).toContain('uri-miss');
  });
});

describe('Cache-Control of the caller', () => {
  it.each<[string, RegExp, number]>([
    ['no-cache', /fwd=request; stored; detail=no-cache/, 2],
    ['no-store', /fwd=request; detail=no-store/, 2],
    ['max-age=0', /fwd=request; stored/, 2],
    ['max-age=60', /hit/, 1],
    ['min-fresh=7200', /fwd=request; stored/, 2],
    ['only-if-cached', /hit/, 1],
    ['unknown="x"', /hit/, 1],
  ])('%s', async (value, status, calls) => {
    const house = await startHouse();
    await ask(house, chat({ temperature: 0 }));
    const again = await ask(house, chat({ temperature: 0 }), { 'cache-control': value });
    expect(again.headers['cache-status']).toMatch(status);
    expect(house.provider.calls).toHaveLength(calls);
  });

  it('only-if-cached without a stored answer is refused', async () => {
    const house = await startHouse();
    const answer = await ask(house, chat(), { 'cache-control': 'only-if-cached' });
    expect(answer.status).toBe(504);
    expect(JSON.parse(answer.body.toString()).error.code).toBe('ECO_NOT_STORED');
    expect(house.provider.calls).toHaveLength(0);
  });
});

describe('time', () => {
  const config = (cache: object) => ({ cache: { ttl: '60s', ...cache } });

  it('ends an answer', async () => {
    const clock = handClock();
    const house = await startHouse({ clock, config: config({}) });
    await ask(house, chat({ temperature: 0 }));
    clock.advance(61_000);
    const again = await ask(house, chat({ temperature: 0 }));
    expect(again.headers['cache-status']).toContain('fwd=');
    expect(house.provider.calls).toHaveLength(2);
  });

  it('serves stale while it revalidates', async () => {
    const clock = handClock();
    const house = await startHouse({ clock, config: config({ stale_while_revalidate: '60s' }) });
    await ask(house, chat({ temperature: 0 }));
    clock.advance(90_000);
    const stale = await ask(house, chat({ temperature: 0 }));
    expect(stale.headers['cache-status']).toMatch(/hit; ttl=-30/);
    await until(() => house.provider.calls.length === 2 && house.rows.length === 3);
    const fresh = await ask(house, chat({ temperature: 0 }));
    expect(fresh.headers['cache-status']).toMatch(/hit; ttl=60/);
    expect(house.rows.find((row) => row.tags.includes('revalidation'))).toMatchObject({
      source: 'upstream',
      outcome: 'ok',
    });
  });

  it('lets a stale answer stand in for a provider that fails', async () => {
    const clock = handClock();
    const house = await startHouse({ clock, config: config({ stale_if_error: '1h' }) });
    const first = await ask(house, chat({ temperature: 0 }));
    clock.advance(120_000);
    house.provider.failNext({ kind: 'status', status: 503 });
    const answer = await ask(house, chat({ temperature: 0 }));
    expect(answer.status).toBe(200);
    expect(answer.body.equals(first.body)).toBe(true);
    expect(answer.headers['cache-status']).toBe(
      'economizer; fwd=stale; fwd-status=503; detail=stale-if-error',
    );
    house.provider.failNext({ kind: 'refuse' });
    expect((await ask(house, chat({ temperature: 0 }))).status).toBe(200);
  });
});
