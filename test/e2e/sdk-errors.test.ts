import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startHouse, type House, type HouseOptions } from './harness.ts';

const question = [{ role: 'user' as const, content: 'What is it?' }];
type Headers = Record<string, string>;

type OpenAiError = InstanceType<typeof OpenAI.APIError>;
type AnthropicError = InstanceType<typeof Anthropic.APIError>;

interface Told {
  readonly openai: OpenAiError;
  readonly anthropic: AnthropicError;
  readonly house: House;
}

/** Lets both clients run into the same failure, with their usual two retries. */
async function fail(
  options: HouseOptions,
  headers: Headers = {},
  before: (house: House) => void = () => {},
  maxRetries = 2,
): Promise<Told> {
  const house = await startHouse(options);
  const client = { apiKey: 'k', maxRetries, defaultHeaders: headers, timeout: 20_000 };
  before(house);
  const openai = await new OpenAI({ ...client, baseURL: `${house.url}/v1` }).chat.completions
    .create({ model: 'gpt-4o', messages: question })
    .then(
      () => undefined,
      (error: unknown) => error as OpenAiError,
    );
  before(house);
  const anthropic = await new Anthropic({ ...client, baseURL: house.url }).messages
    .create({ model: 'claude-sonnet-5-5', max_tokens: 9, messages: question })
    .then(
      () => undefined,
      (error: unknown) => error as AnthropicError,
    );
  return { openai: openai!, anthropic: anthropic!, house };
}

function expectCode({ openai, anthropic }: Told, status: number, code: string): void {
  expect(openai).toBeInstanceOf(OpenAI.APIError);
  expect(anthropic).toBeInstanceOf(Anthropic.APIError);
  expect([openai.status, openai.code]).toEqual([status, code]);
  expect(anthropic.status).toBe(status);
  expect(anthropic.error).toMatchObject({ type: 'error', error: { code } });
  expect(openai.message).toMatch(/\w{3,}.*[;,].*\w{3,}/); // what happened, and what to do
}

describe('the vendors’ SDKs raise their own errors for ours', () => {
  it('a key that the gateway does not know', async () => {
    const sha256 = createHash('sha256').update('known').digest('hex');
    const told = await fail({ config: { access: { keys: [{ id: 'a', sha256, tenant: 't' }] } } });
    expectCode(told, 401, 'ECO_UNAUTHORISED');
    expect(told.openai).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(told.anthropic).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(told.house.rows).toHaveLength(2);
  });

  it('a body that is too large', async () => {
    const told = await fail({ config: { limits: { body_bytes: 1024 } } }, {}, () => {
      question[0]!.content = 'x'.repeat(5000);
    });
    question[0]!.content = 'What is it?';
    expectCode(told, 413, 'ECO_BODY_TOO_LARGE');
    expect(told.house.rows).toHaveLength(2);
  });

  it('only what is stored, where nothing is', async () => {
    const told = await fail({}, { 'cache-control': 'only-if-cached' });
    expectCode(told, 504, 'ECO_NOT_STORED');
    expect(told.house.provider.calls).toHaveLength(0);
    expect(told.house.rows).toHaveLength(2); // asking again could not help, and the SDKs are told so
  });

  it('a header of ours that cannot be read', async () => {
    const told = await fail({}, { 'x-economizer-deadline': 'soon' });
    expectCode(told, 400, 'ECO_BAD_HEADER');
    expect(told.openai.param).toBe('x-economizer-deadline');
    expect(told.openai).toBeInstanceOf(OpenAI.BadRequestError);
    expect(told.anthropic).toBeInstanceOf(Anthropic.BadRequestError);
  });

  it('a deadline that has passed', async () => {
    const told = await fail(
      { provider: { firstByteMs: 5000 } },
      { 'x-economizer-deadline': '50ms' },
    );
    expectCode(told, 504, 'ECO_DEADLINE');
    expect(told.house.rows).toHaveLength(2);
  });

  it('an HTML page', async () => {
    const told = await fail({ provider: { fault: () => ({ kind: 'html', status: 200 }) } });
    expectCode(told, 502, 'ECO_UPSTREAM_NOT_API');
    expect(told.house.provider.calls).toHaveLength(6); // each client asks again twice, as after the provider's own 502
  }, 20_000);

  it('a provider that cannot be connected to in time', async () => {
    const base_url = await deafListener();
    const openai = { base_url: `${base_url}/v1` };
    const providers = { openai, anthropic: { base_url } } as never;
    const told = await fail(
      { config: { limits: { connect: '200ms' }, providers } },
      {},
      () => {},
      0,
    );
    expectCode(told, 504, 'ECO_CONNECT_TIMEOUT');
    expect(told.house.rows[0]).toMatchObject({ outcome: 'upstream-failure', costNanos: 0 });
  }, 30_000);
});

/** The address of a socket whose owner takes no connections and whose queue is full, so that new ones wait for ever. */
async function deafListener(): Promise<string> {
  const owner = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 20);
     });`,
    { eval: true },
  );
  const [port] = (await once(owner, 'message')) as [number];
  await pause(100);
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await pause(100);
  onTestFinished(async () => {
    for (const filler of fillers) filler.destroy();
    await owner.terminate();
  });
  return `http://127.0.0.1:${port}`;
}

describe('the provider’s own errors reach them as they were', () => {
  it('status, body, retry-after and x-should-retry', async () => {
    const headers = { 'retry-after': '1', 'x-should-retry': 'false', 'retry-after-ms': '5' };
    const told = await fail({}, {}, (house) =>
      house.provider.failNext({ kind: 'status', status: 429, headers }),
    );
    expect(told.openai).toBeInstanceOf(OpenAI.RateLimitError);
    expect(told.anthropic).toBeInstanceOf(Anthropic.RateLimitError);
    expect(told.openai.headers!.get('retry-after')).toBe('1');
    expect(told.anthropic.headers!.get('x-should-retry')).toBe('false');
    expect([told.openai.type, told.house.provider.calls.length]).toEqual(['rate_limit_error', 2]);
  });

  it('and are retried when they say so', async () => {
    const house = await startHouse();
    house.provider.failNext({ kind: 'status', status: 503, headers: { 'retry-after-ms': '5' } });
    const openai = new OpenAI({ apiKey: 'k', baseURL: `${house.url}/v1` });
    const answer = await openai.chat.completions.create({ model: 'gpt-4o', messages: question });
    expect(answer.choices).toHaveLength(1);
    expect(house.rows.map(({ outcome }) => outcome)).toEqual(['provider-error', 'ok']);
  });
});
