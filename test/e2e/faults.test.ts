import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { chat, messages, send, startHouse, until } from './harness.ts';

const chatPath = '/v1/chat/completions';

describe('a bad request gets a clear answer in its dialect', () => {
  it.each<[string, string, number, string]>([
    ['malformed JSON', '{"model":"gpt-4o","messages":[', 400, 'ECO_BAD_JSON'],
    ['no object', '[]', 400, 'ECO_BAD_JSON'],
    ['nothing at all', '', 400, 'ECO_BAD_JSON'],
    ['a member twice', '{"model":"a","model":"b","messages":[]}', 400, 'ECO_DUPLICATE_KEY'],
    [
      'nesting too deep',
      chat({ x: JSON.parse('['.repeat(300) + ']'.repeat(300)) }),
      400,
      'ECO_TOO_DEEP',
    ],
    ['a model that is no name', '{"model":5,"messages":[]}', 400, 'ECO_BAD_FIELD'],
    ['messages that are no list', '{"model":"m","messages":"hi"}', 400, 'ECO_BAD_FIELD'],
    ['a body too large', chat({ x: 'y'.repeat(20_000) }), 413, 'ECO_BODY_TOO_LARGE'],
  ])('%s', async (_name, body, status, code) => {
    const house = await startHouse({ config: { limits: { body_bytes: 10_000 } } });
    const openai = await send(house.url + chatPath, body);
    expect(openai.status).toBe(status);
    expect(JSON.parse(openai.body.toString()).error).toMatchObject({ code });
    expect(JSON.parse(openai.body.toString()).error.message.length).toBeGreaterThan(20);
    const anthropic = await send(`${house.url}/v1/messages`, body);
    expect(anthropic.status).toBe(status);
    expect(JSON.parse(anthropic.body.toString())).toMatchObject({ type: 'error' });
    expect(anthropic.body.toString()).toContain(code);
    expect(house.provider.calls).toHaveLength(0);
    expect(house.rows.map((row) => [row.outcome, row.errorCode])).toEqual([
      ['refused', code],
      ['refused', code],
    ]);
  });

  it('a path that no provider serves', async () => {
    const house = await startHouse();
    const answer = await send(`${house.url}/v2/what`, '{}');
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString()).error.code).toBe('ECO_NO_PROVIDER');
    expect(house.rows).toHaveLength(1);
  });

  it('a deadline that is none', async () => {
    const house = await startHouse();
    const headers = { 'x-economizer-deadline': 'soon' };
    const answer = await send(house.url + chatPath, chat(), { headers });
    expect(JSON.parse(answer.body.toString()).error.code).toBe('ECO_BAD_HEADER');
  });
});

describe('a provider in trouble', () => {
  it.each<[string, object, number, string]>([
    ['refuses', { kind: 'refuse' }, 502, 'ECO_UPSTREAM_RESET'],
    ['answers HTML', { kind: 'html', status: 200 }, 502, 'ECO_UPSTREAM_NOT_API'],
    ['answers HTML with an error', { kind: 'html', status: 503 }, 502, 'ECO_UPSTREAM_NOT_API'],
    ['sends less than it promised', { kind: 'lying-length', by: 40 }, 502, 'ECO_UPSTREAM_RESET'],
    ['resets within a plain answer', { kind: 'reset', afterChunks: 1 }, 502, 'ECO_UPSTREAM_RESET'],
    ['is too slow', { kind: 'slow', ms: 3000 }, 504, 'ECO_FIRST_BYTE_TIMEOUT'],
    ['falls silent', { kind: 'silence', afterChunks: 1 }, 504, 'ECO_SILENCE_TIMEOUT'],
  ])('%s', async (_name, fault, status, code) => {
    const house = await startHouse({
      config: { limits: { first_byte: '400ms', silence: '400ms' } },
    });
    for (const [path, body] of [
      [chatPath, chat()],
      ['/v1/messages', messages()],
    ] as const) {
      house.provider.failNext(fault as never);
      const answer = await send(house.url + path, body);
      expect([answer.status, answer.broken]).toEqual([status, false]);
      expect(answer.body.toString()).toContain(code);
    }
    expect(house.rows.map(({ outcome, errorCode }) => [outcome, errorCode])).toEqual([
      ['upstream-failure', code],
      ['upstream-failure', code],
    ]);
  });

  it('keeps its own error, status, headers and all', async () => {
    const house = await startHouse();
    house.provider.failNext({ kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    const answer = await send(house.url + chatPath, chat());
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '7']);
    expect(JSON.parse(answer.body.toString()).error.type).toBe('rate_limit_error');
    expect(house.rows[0]).toMatchObject({ outcome: 'provider-error', status: 429, costNanos: 0 });
  });

  it.each<[string, object, string]>([
    ['resets within a stream', { kind: 'reset', afterChunks: 2 }, 'ECO_UPSTREAM_RESET'],
    ['tears a frame', { kind: 'torn-frame', afterChunks: 2 }, 'ECO_UPSTREAM_RESET'],
    ['falls silent within a stream', { kind: 'silence', afterChunks: 2 }, 'ECO_SILENCE_TIMEOUT'],
  ])('%s: whole frames, then an error event', async (_name, fault, code) => {
    const house = await startHouse({ config: { limits: { silence: '400ms' } } });
    house.provider.failNext(fault as never);
    const openai = await send(house.url + chatPath, chat({ stream: true }));
    const frames = openai.body.toString().trimEnd().split('\n\n');
    for (const frame of frames)
      expect(() => JSON.parse(frame.replace(/^data: /, ''))).not.toThrow();
    expect(JSON.parse(frames.at(-1)!.slice(6)).error.code).toBe(code);
    house.provider.failNext(fault as never);
    const anthropic = await send(`${house.url}/v1/messages`, messages({ stream: true }));
    const last = anthropic.body.toString().trimEnd().split('\n\n').at(-1)!;
    expect(last).toMatch(/^event: error\ndata: /);
    expect(last).toContain(code);
    await until(() => house.rows.length === 2);
  });

  it('is given up when the caller’s deadline passes', async () => {
    const house = await startHouse({ provider: { firstByteMs: 3000 } });
    const headers = { 'x-economizer-deadline': '100ms' };
    const answer = await send(house.url + chatPath, chat(), { headers });
    expect([answer.status, answer.headers['x-should-retry']]).toEqual([504, 'false']);
    expect(answer.body.toString()).toContain('ECO_DEADLINE');
    await until(() => house.provider.aborted === 1);
  });

  it('is down', async () => {
    const house = await startHouse({
      config: { providers: { openai: { base_url: 'http://127.0.0.1:1/v1' } } as never },
    });
    const answer = await send(house.url + chatPath, chat());
    expect([answer.status, answer.body.toString().includes('ECO_UPSTREAM_UNREACHABLE')]).toEqual([
      502,
      true,
    ]);
  });
});

describe('the gateway', () => {
  it('finishes what is in flight when it is told to stop, and takes nothing new', async () => {
    const house = await startHouse({ provider: { firstByteMs: 200 } });
    const running = send(house.url + chatPath, chat());
    await until(() => house.provider.inFlight === 1);
    const stopped = house.gateway.stop();
    await expect(send(house.url + chatPath, chat())).rejects.toThrow();
    expect((await running).status).toBe(200);
    await stopped;
  });

  it('survives a client that sends rubbish', async () => {
    const house = await startHouse();
    const { port } = new URL(house.url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end('NONSENSE\r\n\r\n'));
      socket.on('close', () => resolve());
      socket.resume();
    });
    expect((await send(house.url + chatPath, chat())).status).toBe(200);
  });

  it('tells its log what went wrong within, and its caller nothing of it', async () => {
    const cause = new TypeError('a secret detail');
    const house = await startHouse({ upstream: { send: () => Promise.reject(cause) } });
    const told: unknown[] = [];
    house.signals.on('part-failed', ({ part, error }) => told.push(part, error));
    const answer = await send(house.url + chatPath, chat());
    expect([answer.status, answer.body.toString().includes('secret')]).toEqual([500, false]);
    expect(told[0]).toBe('pipeline');
    expect([told[1], (told[1] as Error).cause]).toContain(cause);
    expect(house.rows[0]).toMatchObject({ outcome: 'failed', errorCode: 'ECO_INTERNAL' });
  });

  it('turns away more calls at once than it may take, and books them', async () => {
    const house = await startHouse({
      provider: { firstByteMs: 200 },
      config: { limits: { concurrent_calls: 2 } },
    });
    const asked = [1, 2, 3, 4].map((seed) => send(house.url + chatPath, chat({ seed })));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 503, 503]);
    await until(() => house.rows.length === 4);
    expect(house.rows.filter(({ errorCode }) => errorCode === 'ECO_BUSY')).toHaveLength(2);
    expect((await send(house.url + chatPath, chat({ seed: 9 }))).status).toBe(200);
  });

  it('asks for its own keys where it has some', async () => {
    const sha256 = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'; // of "secret"
    const house = await startHouse({
      config: { access: { keys: [{ id: 'a', sha256, tenant: 'acme', agent: 'bot' }] } },
    });
    const refused = await send(house.url + chatPath, chat());
    expect(refused.status).toBe(401);
    const headers = { authorization: 'Bearer secret' };
    expect((await send(house.url + chatPath, chat(), { headers })).status).toBe(200);
    expect(house.rows.at(-1)).toMatchObject({ tenant: 'acme', agent: 'bot' });
  });

  it('chooses among providers by model', async () => {
    const house = await startHouse();
    const other = await startHouse({
      config: {
        providers: {
          groq: {
            kind: 'openai',
            base_url: `${house.provider.url}/v1`,
            api_key: 'k',
            models: ['llama-*'],
          },
        } as never,
      },
    });
    await send(other.url + chatPath, chat({ model: 'llama-3.3-70b' }));
    await send(other.url + chatPath, chat({ model: 'gpt-4o' }));
    expect([house.provider.calls.length, other.provider.calls.length]).toEqual([1, 1]);
    expect(other.rows.map((row) => row.provider)).toEqual(['groq', 'openai']);
  });
});
