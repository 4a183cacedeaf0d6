import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEconomizer, type Economizer } from '../../src/index.ts';
import {
  startFakeProvider,
  type FakeProvider,
  type FakeProviderOptions,
} from '../../src/testing/fake-provider.ts';
import { chat, temporaryFolder, until } from './harness.ts';

async function toolkit(
  options: {
    readonly provider?: FakeProviderOptions;
    readonly limits?: object;
    readonly base?: string;
    readonly fetch?: typeof fetch;
  } = {},
): Promise<{ economizer: Economizer; provider: FakeProvider; base: string }> {
  const provider = await startFakeProvider(options.provider);
  const base = options.base ?? provider.url;
  const economizer = createEconomizer(
    {
      data: temporaryFolder(),
      limits: options.limits ?? {},
      providers: {
        openai: { kind: 'openai', base_url: `${base}/v1` },
        anthropic: { kind: 'anthropic', base_url: base },
      },
    },
    options.fetch === undefined ? {} : { fetch: options.fetch },
  );
  onTestFinished(async () => {
    await economizer.close();
    await provider.close();
  });
  return { economizer, provider, base };
}

const json = { 'content-type': 'application/json' };
const asked = { method: 'POST', headers: json, body: chat({ temperature: 0 }) };

async function faultOf(answer: Response): Promise<{ code: string; message: string }> {
  return ((await answer.json()) as { error: { code: string; message: string } }).error;
}

describe('the toolkit’s fetch', () => {
  it('takes what `fetch` takes: texts, URLs, Requests, Headers, and what overrides a Request', async () => {
    const { economizer, provider, base } = await toolkit();
    const url = `${base}/v1/chat/completions`;
    const calls: Parameters<typeof fetch>[] = [
      [url, asked],
      [new URL(url), { ...asked, headers: new Headers(json) }],
      [new Request(url, asked)],
      [new Request(url, { method: 'PUT', body: 'x' }), asked],
      [`${url.replace('http:', 'HTTP:')}#part`, asked],
    ];
    for (const call of calls) {
      const answer = await economizer.fetch(...call);
      expect([answer.status, answer.ok]).toEqual([200, true]);
      expect(await answer.json()).toHaveProperty('choices');
    }
    expect(provider.calls.map(({ method }) => method)).toEqual(['POST']);
  });

  it('sends uploads as they are, however large', async () => {
    const { economizer, provider, base } = await toolkit({ limits: { body_bytes: 2048 } });
    const form = new FormData();
    form.set('purpose', 'batch');
    form.set('file', new Blob(['x'.repeat(100_000)]), 'batch.jsonl');
    const answer = await economizer.fetch(`${base}/v1/files`, { method: 'POST', body: form });
    expect(answer.status).toBe(404);
    const [call] = provider.calls;
    expect(call!.rawHeaders.join('\n')).toMatch(/multipart\/form-data; boundary=/);
    expect(call!.body.toString()).toContain('filename="batch.jsonl"');
    expect(call!.body.length).toBeGreaterThan(100_000);
    const large = { ...asked, body: chat({ x: 'y'.repeat(3000) }) };
    const refused = await economizer.fetch(`${base}/v1/chat/completions`, large);
    expect([refused.status, (await faultOf(refused)).code]).toEqual([413, 'ECO_BODY_TOO_LARGE']);
  });

  it('hands on what is no provider’s business exactly as it was given', async () => {
    const seen: unknown[][] = [];
    const { economizer, base } = await toolkit({
      fetch: (...call) => {
        seen.push(call);
        return Promise.resolve(new Response('elsewhere'));
      },
    });
    const init = { method: 'POST', body: 'x', dispatcher: 'theirs' } as unknown as RequestInit;
    const urls = ['https://example.com/v1/chat/completions', `${base.replace(/\d+$/, '1')}/v1`];
    for (const url of urls)
      expect(await (await economizer.fetch(url, init)).text()).toBe('elsewhere');
    expect(seen).toEqual(urls.map((url) => [url, init]));
  });

  it('fails as `fetch` does when its signal is aborted: before, at once, and within a stream', async () => {
    const { economizer, provider, base } = await toolkit({
      provider: { gapMs: 10, answer: () => ({ text: 'word '.repeat(300) }) },
    });
    const url = `${base}/v1/chat/completions`;
    const before = AbortSignal.abort(new Error('before'));
    await expect(economizer.fetch(url, { ...asked, signal: before })).rejects.toThrow('before');
    expect(provider.calls).toHaveLength(0);
    const during = new AbortController();
    const body = chat({ stream: true, temperature: 0 });
    const answer = await economizer.fetch(url, { ...asked, body, signal: during.signal });
    const reader = answer.body!.getReader();
    expect((await reader.read()).done).toBe(false);
    during.abort();
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toMatchObject({ name: 'AbortError' });
    await until(() => provider.aborted === 1);
  });

  it('gives up when the caller’s deadline or its own limit has passed, and says which', async () => {
    const slow = { provider: { firstByteMs: 5000 } };
    const { economizer, provider, base } = await toolkit(slow);
    const url = `${base}/v1/chat/completions`;
    const headers = { ...json, 'x-economizer-deadline': '50ms' };
    const late = await economizer.fetch(url, { ...asked, headers });
    expect(late.status).toBe(504);
    expect(await faultOf(late)).toMatchObject({
      code: 'ECO_DEADLINE',
      message: expect.stringContaining('x-economizer-deadline') as string,
    });
    await until(() => provider.aborted === 1);
    const bounded = await toolkit({ ...slow, limits: { total: '60ms' } });
    const over = await bounded.economizer.fetch(`${bounded.base}/v1/chat/completions`, asked);
    expect((await faultOf(over)).message).toContain('limits.total');
  });

  it('leaves nothing undone when its reader leaves, and closes', async () => {
    const { economizer, provider, base } = await toolkit({
      provider: { gapMs: 10, answer: () => ({ text: 'word '.repeat(300) }) },
    });
    const body = chat({ stream: true, temperature: 1 });
    const answer = await economizer.fetch(`${base}/v1/chat/completions`, { ...asked, body });
    await answer.body!.cancel();
    await until(() => provider.aborted === 1);
    await until(() => provider.inFlight === 0);
    await economizer.close();
    await economizer.close();
    const after = await economizer.fetch(`${base}/v1/chat/completions`, { ...asked, body });
    expect([after.status, (await faultOf(after)).code]).toEqual([503, 'ECO_STOPPING']);
  });
});

describe('what the toolkit gives back', () => {
  const coders = {
    gzip: gzipSync,
    br: brotliCompressSync,
    deflate: deflateSync,
    zstd: zstdCompressSync,
  };

  async function before(answer: (response: ServerResponse) => void) {
    const server = createServer((request, response) => {
      request.resume().on('end', () => answer(response));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return toolkit({ base: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  }

  it.each(Object.entries(coders))('is without its content coding: %s', async (name, code) => {
    const plain = JSON.stringify({ choices: [], text: 'é'.repeat(1000) });
    const { economizer, base } = await before((response) => {
      response.writeHead(200, { ...json, 'content-encoding': name }).end(code(plain));
    });
    const answer = await economizer.fetch(`${base}/v1/chat/completions`, asked);
    expect(answer.headers.get('content-encoding')).toBeNull();
    expect(await answer.text()).toBe(plain);
    const file = await economizer.fetch(`${base}/v1/files/f/content`);
    expect(await file.text()).toBe(plain);
  });

  it.each([
    [204, null],
    [304, null],
  ])('has no body where there is none: %s', async (status, body) => {
    const { economizer, base } = await before((response) => void response.writeHead(status).end());
    const answer = await economizer.fetch(`${base}/v1/files/f`, { method: 'DELETE' });
    expect([answer.status, answer.body]).toEqual([status, body]);
  });
});

describe('a failure within a stream reaches the SDKs as their own error', () => {
  const messages = [{ role: 'user' as const, content: 'What?' }];

  it.each([
    ['reset', 'ECO_UPSTREAM_RESET'],
    ['torn-frame', 'ECO_UPSTREAM_RESET'],
    ['silence', 'ECO_SILENCE_TIMEOUT'],
  ] as const)('%s', async (kind, code) => {
    const { economizer, provider, base } = await toolkit({ limits: { silence: '300ms' } });
    const { fetch } = economizer;
    const options = { apiKey: 'k', fetch, maxRetries: 0 };
    const openai = new OpenAI({ ...options, baseURL: `${base}/v1` });
    const anthropic = new Anthropic({ ...options, baseURL: base });
    const read = async (stream: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of stream);
    };
    provider.failNext({ kind, afterChunks: 2 });
    const chunks = await openai.chat.completions.create({
      model: 'gpt-4o',
      messages,
      stream: true,
    });
    await expect(read(chunks)).rejects.toMatchObject({ code });
    provider.failNext({ kind, afterChunks: 2 });
    const responses = await openai.responses.create({ model: 'gpt-5', input: 'a', stream: true });
    await expect(read(responses)).rejects.toThrow(OpenAI.APIError);
    provider.failNext({ kind, afterChunks: 2 });
    const events = await anthropic.messages.create({
      model: 'claude-sonnet-5-5',
      max_tokens: 9,
      messages,
      stream: true,
    });
    await expect(read(events)).rejects.toThrow(Anthropic.APIError);
  });
});
