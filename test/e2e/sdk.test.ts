import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEconomizer } from '../../src/index.ts';
import { startFakeProvider, type FakeProviderOptions } from '../../src/testing/fake-provider.ts';
import { startHouse, temporaryFolder } from './harness.ts';

interface Clients {
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly provider: Awaited<ReturnType<typeof startFakeProvider>>;
}

const toolCall = { name: 'weather', arguments: { city: 'Zürich' } };
const answer: NonNullable<FakeProviderOptions['answer']> = ({ json }) =>
  json?.['tools'] === undefined
    ? { text: 'It is an economizer.' }
    : {
        text: 'Let me look.',
        toolCalls: [toolCall, { name: 'weather', arguments: { city: 'Bern' } }],
      };

async function throughGateway(): Promise<Clients> {
  const { url, provider } = await startHouse({ provider: { answer } });
  return {
    provider,
    openai: new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: 'any', baseURL: url, maxRetries: 0 }),
  };
}

async function throughToolkit(): Promise<Clients> {
  const provider = await startFakeProvider({ answer });
  const economizer = createEconomizer({
    data: temporaryFolder(),
    providers: {
      openai: { kind: 'openai', base_url: `${provider.url}/v1` },
      anthropic: { kind: 'anthropic', base_url: provider.url },
    },
  });
  onTestFinished(async () => {
    await economizer.close();
    await provider.close();
  });
  const { fetch } = economizer;
  return {
    provider,
    openai: new OpenAI({ apiKey: 'k', baseURL: `${provider.url}/v1`, fetch, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: 'k', baseURL: provider.url, fetch, maxRetries: 0 }),
  };
}

const question = [{ role: 'user' as const, content: 'What is this?' }];
const openaiTools = [
  { type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } },
];
const anthropicTools = [{ name: 'weather', input_schema: { type: 'object' as const } }];

describe.each([
  ['gateway', throughGateway],
  ['toolkit', throughToolkit],
])('the vendors’ SDKs through the %s', (_name, connect) => {
  it('openai: chat, plain and streaming, twice each', async () => {
    const { openai, provider } = await connect();
    for (let round = 0; round < 2; round++) {
      const plain = await openai.chat.completions.create({ model: 'gpt-4o', messages: question });
      expect(plain.choices[0]!.message.content).toBe('It is an economizer.');
      expect(plain.usage!.total_tokens).toBeGreaterThan(0);
      const stream = openai.chat.completions.stream({
        model: 'gpt-4o',
        messages: question,
        tools: openaiTools,
      });
      const final = await stream.finalChatCompletion();
      const calls = final.choices[0]!.message.tool_calls!;
      expect(calls.map((call) => call.type === 'function' && call.function.arguments)).toEqual([
        '{"city":"Zürich"}',
        '{"city":"Bern"}',
      ]);
    }
    expect(provider.calls).toHaveLength(2);
  });

  it('openai: responses, embeddings, completions, models', async () => {
    const { openai } = await connect();
    for (let round = 0; round < 2; round++) {
      const plain = await openai.responses.create({ model: 'gpt-5', input: 'What?' });
      expect(plain.output_text).toBe('It is an economizer.');
      const stream = openai.responses.stream({ model: 'gpt-5', input: 'What else?' });
      expect((await stream.finalResponse()).output_text).toBe('It is an economizer.');
      const embedded = await openai.embeddings.create({
        model: 'text-embedding-3-small',
        input: 'a',
      });
      expect(embedded.data[0]!.embedding.length).toBeGreaterThan(0);
      const legacy = await openai.completions.create({
        model: 'gpt-3.5-turbo-instruct',
        prompt: 'a',
      });
      expect(legacy.choices[0]!.text).toBe('It is an economizer.');
    }
    expect((await openai.models.list()).data).toEqual([]);
  });

  it('anthropic: messages, plain and streaming, twice each, and count_tokens', async () => {
    const { anthropic, provider } = await connect();
    const base = { model: 'claude-sonnet-5-5', max_tokens: 100, messages: question };
    for (let round = 0; round < 2; round++) {
      const plain = await anthropic.messages.create(base);
      expect(plain.content).toMatchObject([{ type: 'text', text: 'It is an economizer.' }]);
      const final = await anthropic.messages
        .stream({ ...base, tools: anthropicTools })
        .finalMessage();
      expect(
        final.content.filter((block) => block.type === 'tool_use').map(({ input }) => input),
      ).toEqual([{ city: 'Zürich' }, { city: 'Bern' }]);
    }
    const counted = await anthropic.messages.countTokens({ model: base.model, messages: question });
    expect(counted.input_tokens).toBeGreaterThan(0);
    expect(provider.calls).toHaveLength(3);
  });

  it('errors are the SDKs’ own classes', async () => {
    const { openai, anthropic, provider } = await connect();
    const asking = { model: 'gpt-4o', messages: question };
    provider.failNext({ kind: 'status', status: 429 });
    await expect(openai.chat.completions.create(asking)).rejects.toThrow(OpenAI.RateLimitError);
    provider.failNext({ kind: 'status', status: 529 });
    const message = { model: 'claude-sonnet-5-5', max_tokens: 9, messages: question };
    await expect(anthropic.messages.create(message)).rejects.toThrow(Anthropic.InternalServerError);
    provider.failNext({ kind: 'refuse' });
    await expect(openai.chat.completions.create(asking)).rejects.toMatchObject({
      status: 502,
      code: 'ECO_UPSTREAM_RESET',
    });
    provider.failNext({ kind: 'error-event', afterChunks: 2 });
    await expect(
      openai.chat.completions.stream({ ...asking, stream: true }).finalChatCompletion(),
    ).rejects.toThrow();
    provider.failNext({ kind: 'error-event', afterChunks: 2 });
    await expect(anthropic.messages.stream(message).finalMessage()).rejects.toThrow();
    await expect(openai.files.retrieve('file-1')).rejects.toThrow(OpenAI.NotFoundError);
  });

  it('a caller who aborts stops the provider', async () => {
    const { openai, provider } = await connect();
    const controller = new AbortController();
    const asking = openai.chat.completions.create(
      { model: 'gpt-4o', messages: [{ role: 'user', content: 'slowly' }] },
      { signal: controller.signal },
    );
    provider.failNext({ kind: 'slow', ms: 5000 });
    setTimeout(() => controller.abort(), 100);
    await expect(asking).rejects.toThrow(OpenAI.APIUserAbortError);
    await expect.poll(() => provider.aborted).toBe(1);
  });
});

it('the toolkit leaves other URLs alone', async () => {
  const provider = await startFakeProvider();
  const economizer = createEconomizer({
    data: temporaryFolder(),
    providers: { openai: { kind: 'openai', base_url: 'http://127.0.0.1:1/v1' } },
  });
  onTestFinished(() => Promise.all([economizer.close(), provider.close()]).then(() => {}));
  const response = await economizer.fetch(`${provider.url}/elsewhere`);
  expect(response.status).toBe(404);
});
