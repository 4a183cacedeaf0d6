import { describe, expect, it } from 'vitest';
import { readCall } from '../../test/budget/read-call.ts';
import type { DialectName } from '../exchange/dialect.ts';
import type { JsonObject } from '../kernel/json.ts';
import { createBounds, type BoundOptions } from './bounds.ts';
import { amountAt, type CostBound } from './cost-bound.ts';

const plain: BoundOptions = {
  rates: ({ model, longWrites }) =>
    model === 'unpriced'
      ? undefined
      : { input: longWrites ? 2000 : 1000, output: 5000, search: 10_000_000 },
  outputLimit: (model) => (model === 'unlisted' ? undefined : 8000),
};

function boundOf(
  dialect: DialectName,
  body: JsonObject,
  options: Partial<BoundOptions> & { provider?: string } = {},
): CostBound {
  const call = readCall(dialect, body, options);
  return createBounds({ ...plain, ...options }).boundOf(call);
}

function bounded(...parameters: Parameters<typeof boundOf>) {
  const bound = boundOf(...parameters);
  if (bound.kind !== 'bounded') throw new Error(`not bounded: ${JSON.stringify(bound)}`);
  return bound;
}

const user = (content: JsonObject[string]) => [{ role: 'user', content }];
const chat = (more: JsonObject): JsonObject => ({ model: 'm', messages: user('hi'), ...more });
const responses = (more: JsonObject): JsonObject => ({ model: 'm', input: 'hi', ...more });
const claude = (more: JsonObject): JsonObject => ({
  model: 'claude-x',
  max_tokens: 100,
  messages: user('hi'),
  ...more,
});
const bytesOf = (body: JsonObject): number => Buffer.byteLength(JSON.stringify(body));

describe('the bound of the output', () => {
  it.each<[string, DialectName, JsonObject, object]>([
    ['the model', 'openai-chat', chat({}), { outputCap: 8000, capSetBy: 'model' }],
    ['the caller', 'openai-chat', chat({ max_tokens: 7 }), { outputCap: 7, capSetBy: 'caller' }],
    ['the caller, newer', 'openai-chat', chat({ max_completion_tokens: 9 }), { outputCap: 9 }],
    ['both', 'openai-chat', chat({ max_completion_tokens: 9, max_tokens: 30 }), { outputCap: 30 }],
    ['nothing', 'openai-chat', chat({ max_tokens: 0 }), { outputCap: 8000, capSetBy: 'model' }],
    ['null', 'openai-chat', chat({ max_tokens: null }), { capSetBy: 'model' }],
    ['a text', 'openai-chat', chat({ max_tokens: '5' }), { outputCap: 5, capSetBy: 'caller' }],
    ['a text of no number', 'openai-chat', chat({ max_tokens: 'x' }), { capSetBy: 'model' }],
    ['a negative', 'openai-chat', chat({ max_tokens: -1 }), { outputCap: 8000 }],
    ['several answers', 'openai-chat', chat({ n: 3 }), { picoPerOutputToken: 15_000 }],
    [
      'responses',
      'openai-responses',
      responses({ max_output_tokens: 50 }),
      { outputCap: 50, leastCap: 16 },
    ],
    ['Anthropic', 'anthropic-messages', claude({}), { outputCap: 100, leastCap: 1 }],
    [
      'Anthropic with thinking within',
      'anthropic-messages',
      claude({ max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2048 } }),
      { outputCap: 4000, leastCap: 2049 },
    ],
    [
      'all completions that are drawn',
      'openai-completions',
      { model: 'm', prompt: ['a', 'b'], n: 2, best_of: 5, max_tokens: 10 },
      { outputCap: 10, picoPerOutputToken: 50_000 },
    ],
    [
      'one prompt of tokens',
      'openai-completions',
      { model: 'm', prompt: [1, 2, 3] },
      { outputCap: 16, picoPerOutputToken: 5000, capSetBy: 'caller' },
    ],
    [
      'embeddings',
      'openai-embeddings',
      { model: 'm', input: ['a', 'b'] },
      { picoPerOutputToken: 0, outputCap: 0, capSetBy: 'none' },
    ],
  ])('follows %s', (_name, dialect, body, expected) => {
    expect(boundOf(dialect, body)).toMatchObject({ kind: 'bounded', ...expected });
  });

  it('needs a cap where no list says what the model writes', () => {
    const body = chat({ model: 'unlisted' });
    expect(boundOf('openai-chat', body)).toEqual({ kind: 'unbounded', why: 'output-unknown' });
    expect(bounded('openai-chat', body, { outputTokens: 500 }).outputCap).toBe(500);
    expect(bounded('openai-chat', { ...body, max_tokens: 5 }).outputCap).toBe(5);
  });

  it('makes the usual cap of completions explicit where nobody vouches for it', () => {
    const body = { model: 'm', prompt: 'x' };
    const bound = bounded('openai-completions', body, { provider: 'mine' });
    expect(bound).toMatchObject({ outputCap: 16, capSetBy: 'model' });
  });
});

describe('the bound of the input', () => {
  it('is a token for each byte and what templates add', () => {
    const body = chat({ messages: user('é'.repeat(1000)) });
    const { fixed } = bounded('openai-chat', body);
    expect(fixed).toBeGreaterThanOrEqual(bytesOf(body));
    expect(fixed).toBeLessThan(bytesOf(body) + 600);
  });

  it.each<[string, DialectName, JsonObject, number]>([
    [
      'chat',
      'openai-chat',
      chat({
        model: 'gpt-4o',
        messages: user([{ type: 'image_url', image_url: { url: 'DATA' } }]),
      }),
      1445,
    ],
    [
      'responses',
      'openai-responses',
      responses({ model: 'gpt-4o', input: user([{ type: 'input_image', image_url: 'DATA' }]) }),
      1445,
    ],
    [
      'messages',
      'anthropic-messages',
      claude({
        messages: user([
          {
            type: 'tool_result',
            content: [{ type: 'image', source: { type: 'base64', data: 'DATA' } }],
          },
        ]),
      }),
      4784,
    ],
  ])('takes an inline image of %s by its ceiling, not its bytes', (_name, dialect, body, image) => {
    const big = `data:image/png;base64,${'A'.repeat(500_000)}`;
    const filled = JSON.parse(JSON.stringify(body).replace('DATA', big)) as JsonObject;
    const { fixed } = bounded(dialect, filled);
    expect(fixed).toBeGreaterThan(image);
    expect(fixed).toBeLessThan(image + 1500);
  });

  it('takes an image that is named only by its ceiling', () => {
    const url = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
    const body = chat({ model: 'gpt-4o', messages: user([url, url]) });
    expect(bounded('openai-chat', body).fixed).toBeGreaterThan(2 * 1445);
  });

  it('takes longer-lived cache writes where they are asked for', () => {
    const mark = { type: 'ephemeral', ttl: '1h' };
    const text = [{ type: 'text', text: 'x'.repeat(5000), cache_control: mark }];
    const long = bounded('anthropic-messages', claude({ messages: user(text) }));
    const short = bounded('anthropic-messages', claude({ messages: user('x'.repeat(5000)) }));
    expect(long.fixed).toBeGreaterThan(2 * short.fixed);
  });

  it('holds embeddings of tokenizers that normalise', () => {
    const body = { model: 'm', input: '\u{FDFA}'.repeat(100) };
    const { fixed } = bounded('openai-embeddings', body, { provider: 'mine' });
    expect(fixed).toBeGreaterThan(100 * 33);
  });
});

describe('what cannot be bounded', () => {
  const part = (type: string, more: JsonObject): JsonObject =>
    chat({ messages: user([{ type, ...more }]) });
  it.each<[string, DialectName, JsonObject, string]>([
    [
      'a previous response',
      'openai-responses',
      responses({ previous_response_id: 'r' }),
      'stored-input',
    ],
    ['a conversation', 'openai-responses', responses({ conversation: 'c' }), 'stored-input'],
    ['a stored prompt', 'openai-responses', responses({ prompt: { id: 'p' } }), 'stored-input'],
    ['an item by id', 'openai-responses', responses({ input: [{ id: 'x' }] }), 'stored-input'],
    ['a stored file', 'openai-chat', part('file', { file: { file_id: 'f' } }), 'stored-input'],
    [
      'an inline document',
      'openai-chat',
      part('file', { file: { file_data: 'x' } }),
      'media-input',
    ],
    ['a recording', 'openai-chat', part('input_audio', { input_audio: {} }), 'media-input'],
    ['a video', 'openai-chat', part('video_url', { video_url: { url: 'u' } }), 'media-input'],
    [
      'a spoken answer',
      'openai-chat',
      chat({ messages: [{ role: 'assistant', audio: { id: 'a' } }] }),
      'stored-input',
    ],
    ['a search', 'openai-chat', chat({ web_search_options: {} }), 'server-tool'],
    [
      'a code interpreter',
      'openai-responses',
      responses({ tools: [{ type: 'code_interpreter' }] }),
      'server-tool',
    ],
    ['a tool server', 'openai-responses', responses({ tools: [{ type: 'mcp' }] }), 'server-tool'],
    ['several models', 'openai-chat', chat({ models: ['a', 'b'] }), 'price-unknown'],
    ['a prediction', 'openai-chat', chat({ prediction: { content: 'x' } }), 'output-unknown'],
    [
      'a PDF',
      'anthropic-messages',
      claude({ messages: user([{ type: 'document', source: { type: 'base64' } }]) }),
      'media-input',
    ],
    [
      'a PDF elsewhere',
      'anthropic-messages',
      claude({ messages: user([{ type: 'document', source: { url: 'u' } }]) }),
      'remote-input',
    ],
    [
      'a file',
      'anthropic-messages',
      claude({ messages: user([{ type: 'document', source: { type: 'file', file_id: 'f' } }]) }),
      'stored-input',
    ],
    ['a tool server', 'anthropic-messages', claude({ mcp_servers: [{}] }), 'server-tool'],
    [
      'a search',
      'anthropic-messages',
      claude({ tools: [{ type: 'web_search_20250305', max_uses: 3 }] }),
      'server-tool',
    ],
    ['fast mode', 'anthropic-messages', claude({ speed: 'fast' }), 'price-unknown'],
    ['no price', 'openai-chat', chat({ model: 'unpriced' }), 'price-unknown'],
  ])('says so of %s, unless a ceiling does', (_name, dialect, body, why) => {
    expect(boundOf(dialect, body)).toEqual({ kind: 'unbounded', why });
    expect(bounded(dialect, body, { ceilings: { [why]: 1e9 } }).fixed).toBeGreaterThanOrEqual(1e9);
  });

  it('is not said of what the caller runs or writes itself', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(boundOf('openai-chat', chat({ tools })).kind).toBe('bounded');
    const bash = [
      { type: 'bash_20250124', name: 'bash' },
      { name: 'f', input_schema: {} },
    ];
    expect(boundOf('anthropic-messages', claude({ tools: bash })).kind).toBe('bounded');
    const composed = { type: 'document', source: { type: 'text', data: 'x' } };
    expect(boundOf('anthropic-messages', claude({ messages: user([composed]) })).kind).toBe(
      'bounded',
    );
  });

  it('counts searches whose number is limited, with what each may bring', () => {
    const tools = [{ type: 'web_search_20250305', max_uses: 3 }];
    const body = claude({ tools });
    const { fixed } = bounded('anthropic-messages', body, { tokensPerSearch: 10_000 });
    expect(fixed).toBeGreaterThan(30_000 + 4 * 30_000);
    const searching = responses({ tools: [{ type: 'web_search' }], max_tool_calls: 2 });
    expect(boundOf('openai-responses', searching, { tokensPerSearch: 10 }).kind).toBe('bounded');
  });

  it('lets a ceiling stand for a whole call without a price', () => {
    const bound = bounded('openai-chat', chat({ model: 'unpriced' }), {
      ceilings: { 'price-unknown': 5 },
    });
    expect(amountAt(bound, 1e6)).toBe(5);
  });
});

describe('what is free', () => {
  const opaque = (method: string, path: string): CostBound => {
    const call = { ...readCall('openai-chat', chat({})), dialect: undefined, method, path };
    return createBounds(plain).boundOf(call);
  };

  it.each([
    ['GET', '/v1/models'],
    ['DELETE', '/v1/files/f'],
    ['POST', '/v1/files'],
    ['POST', '/v1/files?purpose=batch'],
    ['POST', '/v1/batches/b_1/cancel'],
    ['POST', '/v1/moderations'],
    ['POST', '/messages/batches/b-1/cancel'],
  ])('%s %s', (method, path) => expect(opaque(method, path)).toEqual({ kind: 'free' }));

  it.each([
    '/v1/batches',
    '/v1/images/generations',
    '/v1/files/../images',
    '/v1/x/%2e%2e/files',
    '/v1/realtime',
    '/v1/vector_stores/v/files',
    '/v1/files/',
  ])('is not a POST to %s', (path) =>
    expect(opaque('POST', path)).toEqual({ kind: 'unbounded', why: 'opaque-path' }),
  );

  it('is the counting of tokens', () => {
    expect(boundOf('anthropic-count-tokens', claude({}))).toEqual({ kind: 'free' });
  });

  it('is not a body that was not read', () => {
    const call = { ...readCall('openai-chat', chat({})), facts: undefined };
    expect(createBounds(plain).boundOf(call)).toEqual({ kind: 'unbounded', why: 'unread' });
  });
});
