import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { request } from 'node:http';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { prefixRules } from '../ledger/prefix-rules.ts';
import { BillingBrain } from '../replay/provider/billing-brain.ts';
import { loadTokenizer, type Tokenizer } from '../replay/provider/tokenizer.ts';
import { startFakeProvider, type FakeProvider, type FakeProviderOptions } from './fake-provider.ts';

let tokenizer: Tokenizer;
let provider: FakeProvider;

beforeAll(async () => {
  tokenizer = await loadTokenizer();
});
afterEach(() => provider.close());

async function start(
  options: FakeProviderOptions = {},
): Promise<{ openai: OpenAI; anthropic: Anthropic }> {
  provider = await startFakeProvider(options);
  return {
    openai: new OpenAI({ apiKey: 'sk-test', baseURL: `${provider.url}/v1`, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: 'sk-ant', baseURL: provider.url, maxRetries: 0 }),
  };
}

const brain = (): BillingBrain =>
  new BillingBrain({ tokenizer, rulesOf: prefixRules, speed: Infinity });
const messages = [{ role: 'user' as const, content: 'What is two and two?' }];
const say = (text: string): FakeProviderOptions => ({ answer: () => ({ text }) });

describe('through the openai client', () => {
  it('chats, plain', async () => {
    const { openai } = await start(say('Four.'));
    const { data, response } = await openai.chat.completions
      .create({ model: 'gpt-4o', messages })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe('Four.');
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect(response.headers.get('x-request-id')).toBe('req_00000001');
    expect(response.headers.get('set-cookie')).toContain('__cf_bm');
  });

  it('streams text and tool calls, with usage only where it is asked for', async () => {
    const { openai } = await start({
      answer: () => ({
        text: 'Let me see.',
        toolCalls: [{ name: 'add', arguments: { a: 2, b: 2 } }],
      }),
    });
    const asked = openai.chat.completions.stream({
      model: 'gpt-4o',
      messages,
      stream_options: { include_usage: true },
    });
    const final = await asked.finalChatCompletion();
    const [call] = final.choices[0]?.message.tool_calls ?? [];
    expect(final.choices[0]?.message.content).toBe('Let me see.');
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({
      a: 2,
      b: 2,
    });
    expect(final.usage?.prompt_tokens).toBeGreaterThan(0);
    const plain = await openai.chat.completions.create({ model: 'gpt-4o', messages, stream: true });
    for await (const chunk of plain) expect(chunk.usage ?? null).toBeNull();
  });

  it('answers responses, completions, embeddings and models', async () => {
    const { openai } = await start({ ...say('Four.'), models: ['gpt-4o'] });
    const response = await openai.responses.create({ model: 'gpt-4o', input: 'two and two?' });
    expect(response.output_text).toBe('Four.');
    const stream = openai.responses.stream({ model: 'gpt-4o', input: 'two and two?' });
    expect((await stream.finalResponse()).output_text).toBe('Four.');
    const completion = await openai.completions.create({
      model: 'gpt-3.5',
      prompt: 'two and two?',
    });
    expect(completion.choices[0]?.text).toBe('Four.');
    const vectors = await openai.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['a', 'b', 'a'],
    });
    expect(vectors.data).toHaveLength(3);
    expect(vectors.data[0]?.embedding).toEqual(vectors.data[2]?.embedding);
    expect(vectors.data[0]?.embedding).not.toEqual(vectors.data[1]?.embedding);
    const models = await openai.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(['gpt-4o']);
  });

  it('bills prefixes like the real provider', async () => {
    const { openai } = await start({ ...say('Fine.'), brain: brain() });
    const long = [{ role: 'system' as const, content: 'Be exact. '.repeat(900) }, ...messages];
    const usages = [];
    for (let turn = 0; turn < 2; turn++) {
      const { usage } = await openai.chat.completions.create({ model: 'gpt-4o', messages: long });
      usages.push(usage?.prompt_tokens_details?.cached_tokens);
    }
    expect(usages[0]).toBe(0);
    expect(usages[1]).toBeGreaterThan(1_000);
  });
});

describe('through the anthropic client', () => {
  it('answers plain, streams, and counts tokens', async () => {
    const { anthropic } = await start({
      answer: () => ({
        reasoning: 'Two pairs.',
        text: 'Four.',
        toolCalls: [{ name: 'add', arguments: { a: 2 } }],
      }),
      brain: brain(),
    });
    const body = { model: 'claude-sonnet-5', max_tokens: 100, messages };
    const plain = await anthropic.messages.create(body);
    const streamed = await anthropic.messages.stream(body).finalMessage();
    for (const message of [plain, streamed]) {
      expect(message.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use']);
      expect(message.stop_reason).toBe('tool_use');
      expect(message.usage.input_tokens).toBeGreaterThan(5);
      expect(message.usage.output_tokens).toBeGreaterThan(1);
    }
    const { input_tokens: counted } = await anthropic.messages.countTokens({
      model: body.model,
      messages,
    });
    expect(counted).toBe(plain.usage.input_tokens);
  });

  it('refuses too many breakpoints as the real provider does', async () => {
    const { anthropic } = await start({ brain: brain() });
    const block = {
      type: 'text' as const,
      text: 'x',
      cache_control: { type: 'ephemeral' as const },
    };
    const call = anthropic.messages.create({
      model: 'claude-sonnet-5',
      max_tokens: 9,
      messages: [{ role: 'user', content: [block, block, block, block, block] }],
    });
    await expect(call).rejects.toThrow(/maximum of 4 blocks.*Found 5/);
  });
});

describe('on demand', () => {
  it('keeps the very bytes that came', async () => {
    const { openai } = await start();
    await openai.chat.completions.create({ model: 'gpt-4o', messages });
    const [call] = provider.calls;
    expect(call?.body.toString()).toBe(JSON.stringify({ model: 'gpt-4o', messages }));
    expect(call?.rawHeaders).toContain('authorization');
    expect(call?.dialect).toBe('openai-chat');
  });

  it('plays fixture bytes', async () => {
    const bytes = Buffer.from('data: {"choices":[]}\n\ndata: [DONE]\n\n');
    await start({ answer: () => ({ bytes, contentType: 'text/event-stream' }) });
    expect((await post('{"model":"x"}')).body).toEqual(bytes.toString());
  });

  it('fails with a status, as the SDK knows it', async () => {
    const { openai } = await start();
    provider.failNext({ kind: 'status', status: 429, headers: { 'retry-after': '3' } });
    const failure = await openai.chat.completions
      .create({ model: 'm', messages })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.RateLimitError);
    expect((failure as InstanceType<typeof OpenAI.RateLimitError>).headers.get('retry-after')).toBe(
      '3',
    );
  });

  it('sends an HTML page', async () => {
    await start();
    provider.failNext({ kind: 'html', status: 502 });
    const page = await post('{"model":"m"}');
    expect([page.status, page.type]).toEqual([502, 'text/html; charset=UTF-8']);
  });

  it.each([
    { kind: 'refuse' },
    { kind: 'reset', afterChunks: 1 },
    { kind: 'lying-length', by: 10 },
  ] as const)('breaks off: $kind', async (fault) => {
    await start();
    provider.failNext(fault);
    await expect(post('{"model":"m"}')).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  });

  it('resets a stream after what it sent', async () => {
    await start();
    provider.failNext({ kind: 'reset', afterChunks: 2 });
    const seen: string[] = [];
    await expect(post('{"model":"m","stream":true}', (text) => seen.push(text))).rejects.toThrow();
    expect(seen.join('').match(/data: /g)).toHaveLength(2);
  });

  it('tears a frame and ends', async () => {
    await start();
    provider.failNext({ kind: 'torn-frame', afterChunks: 2 });
    const { body } = await post('{"model":"m","stream":true}');
    expect(body.match(/\n\n/g)).toHaveLength(2);
    expect(body.endsWith('\n\n')).toBe(false);
  });

  it('says less than its length, and more', async () => {
    await start();
    provider.failNext({ kind: 'lying-length', by: -5 });
    await expect(post('{"model":"m"}').then(({ body }) => JSON.parse(body))).rejects.toThrow();
  });

  it('sends an error event within a stream', async () => {
    const { anthropic } = await start();
    provider.failNext({ kind: 'error-event', afterChunks: 2 });
    const stream = anthropic.messages.stream({ model: 'claude', max_tokens: 9, messages });
    await expect(stream.finalMessage()).rejects.toThrow(/told to fail/);
  });

  it('falls silent, and notices that the client leaves', async () => {
    const { openai } = await start();
    provider.failNext({ kind: 'silence', afterChunks: 1 });
    const stream = await openai.chat.completions.create({ model: 'm', messages, stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    expect(provider.inFlight).toBe(1);
    stream.controller.abort();
    await expect.poll(() => provider.inFlight).toBe(0);
    expect(provider.aborted).toBe(1);
  });

  it('comes late', async () => {
    await start();
    provider.failNext({ kind: 'slow', ms: 60 });
    const from = performance.now();
    await post('{"model":"m"}');
    expect(performance.now() - from).toBeGreaterThan(55);
  });
});

interface Got {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

function post(body: string, onText = (_text: string): void => {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${provider.url}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        onText(chunk.toString());
      });
      response.once('error', reject);
      response.once('end', () => {
        resolve({
          status: response.statusCode,
          type: response.headers['content-type'],
          body: text,
        });
      });
    });
    outgoing.end(body);
  });
}
