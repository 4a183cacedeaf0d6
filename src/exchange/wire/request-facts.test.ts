import { describe, expect, it } from 'vitest';
import { jsonOf, listFixtures } from '../../../test/wire/fixtures.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { DialectName } from '../dialect.ts';
import { boundReasons } from './bound.ts';
import { dialects } from './index.ts';

const names = Object.keys(dialects) as DialectName[];
const messages = [{ role: 'user', content: 'hi' }];
const chat: JsonObject = { model: 'm', messages };
const responses: JsonObject = { model: 'm', input: 'hi' };
const claude: JsonObject = { model: 'm', max_tokens: 9, messages };

const factsOf = (name: DialectName, body: JsonObject) => dialects[name].requestFacts(body);

describe.each(names)('%s', (name) => {
  it('is called by its own name', () => {
    expect(dialects[name].name).toBe(name);
  });

  it('reads every request of the fixtures', () => {
    for (const { request } of listFixtures(name)) {
      const body = jsonOf(request);
      const facts = dialects[name].requestFacts(body);
      expect(facts.model).toBe(body['model']);
      expect(facts.stream).toBe(body['stream'] ?? false);
    }
  });

  it('counts as inert only what is not about the question', () => {
    for (const asked of [
      'model',
      'messages',
      'input',
      'prompt',
      'tools',
      'seed',
      'temperature',
      'n',
    ]) {
      expect(dialects[name].inert.has(asked)).toBe(false);
    }
  });
});

describe('faults', () => {
  it.each<[DialectName, JsonObject, string, string]>([
    [
      'openai-chat',
      { messages },
      'model',
      '`model` must be the name of a model, a text that is not empty; it is missing.',
    ],
    ['openai-chat', { ...chat, model: '' }, 'model', 'got "".'],
    [
      'openai-chat',
      { model: 'm' },
      'messages',
      '`messages` must be a list of messages; it is missing.',
    ],
    ['openai-chat', { ...chat, messages: 'hi' }, 'messages', 'got "hi".'],
    [
      'openai-chat',
      { ...chat, stream: 'yes' },
      'stream',
      '`stream` must be true or false; got "yes".',
    ],
    ['openai-chat', { ...chat, temperature: '0' }, 'temperature', 'must be a number; got "0".'],
    ['openai-chat', { ...chat, seed: [] }, 'seed', 'must be a number; got [].'],
    ['openai-chat', { ...chat, n: {} }, 'n', 'must be a number; got {}.'],
    [
      'openai-responses',
      { model: 'm' },
      'input',
      '`input` must be a text or a list; it is missing.',
    ],
    ['openai-responses', { model: 'm', input: 7 }, 'input', 'got 7.'],
    ['openai-completions', { model: 'm' }, 'prompt', 'it is missing.'],
    ['openai-embeddings', { model: 'm', input: null }, 'input', 'got null.'],
    ['anthropic-messages', { ...claude, model: 7 }, 'model', 'got 7.'],
    ['anthropic-count-tokens', { model: 'm' }, 'messages', 'it is missing.'],
  ])('%s %j names %s', (name, body, param, sentence) => {
    const fault = expect.objectContaining({
      code: 'ECO_BAD_FIELD',
      param,
      message: expect.stringContaining(sentence) as string,
    }) as Error;
    expect(() => factsOf(name, body)).toThrow(fault);
  });

  it('does not show a long value whole', () => {
    const read = (): unknown => factsOf('openai-chat', { model: 'm', messages: 'x'.repeat(5000) });
    expect(read).toThrow(/^.{0,160}$/);
  });

  it('leaves unknown fields and nulls alone', () => {
    const body = {
      ...chat,
      stream: null,
      temperature: null,
      seed: null,
      n: null,
      vendor: { x: 1 },
    };
    expect(factsOf('openai-chat', body)).toMatchObject({ stream: false, sampling: 'unset' });
    const kept = { model: 'm', previous_response_id: 'resp_1' };
    expect(factsOf('openai-responses', kept)).toMatchObject({ bound: 'previous-response' });
  });
});

describe('sampling', () => {
  it.each([
    [{}, 'unset'],
    [{ temperature: 0 }, 'greedy'],
    [{ temperature: 0, seed: 7 }, 'greedy'],
    [{ temperature: 0.7 }, 'sampled'],
    [{ temperature: 0.7, seed: 7 }, 'seeded'],
    [{ temperature: 0.7, seed: 7.5 }, 'sampled'],
    [{ seed: 7 }, 'seeded'],
    [{ top_p: 0.1 }, 'unset'],
  ])('of %j is %s', (members, sampling) => {
    expect(factsOf('openai-chat', { ...chat, ...members }).sampling).toBe(sampling);
  });

  it('of embeddings and counts is greedy', () => {
    expect(factsOf('openai-embeddings', responses).sampling).toBe('greedy');
    expect(factsOf('anthropic-count-tokens', claude).sampling).toBe('greedy');
  });
});

describe('usage of streams', () => {
  it('must be asked for in chat and completions only', () => {
    expect(factsOf('openai-chat', { ...chat, stream: true }).streamUsage).toBe(false);
    const asking = { ...chat, stream: true, stream_options: { include_usage: true } };
    expect(factsOf('openai-chat', asking).streamUsage).toBe(true);
    expect(factsOf('openai-responses', { ...responses, stream: true }).streamUsage).toBe(true);
    expect(factsOf('anthropic-messages', { ...claude, stream: true }).streamUsage).toBe(true);
  });
});

describe('names', () => {
  const uuid = '0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0';

  it('come from metadata, and the session from the prompt cache key at last', () => {
    const metadata = { agent: 'planner', session_id: 's1' };
    const body = { ...chat, metadata, prompt_cache_key: 'k', user: 'u', safety_identifier: 'v' };
    expect(factsOf('openai-chat', body)).toMatchObject({ agent: 'planner', session: 's1' });
    const keyed = { ...responses, prompt_cache_key: 'k', user: 'u' };
    expect(factsOf('openai-responses', keyed)).toMatchObject({ agent: undefined, session: 'k' });
  });

  it('take the person for a session only where nothing names one', () => {
    const person = { ...chat, user: 'u' };
    expect(factsOf('openai-chat', person).session).toBe('user:u');
    expect(
      factsOf('openai-responses', { ...responses, safety_identifier: 'v', user: 'u' }).session,
    ).toBe('user:v');
  });

  it.each(['', '*', 'a\nb', 'a\u202eb', ' a', 'x'.repeat(257), 7, null, ['a'], { a: 1 }])(
    'pass over %j, which can be none',
    (value) => {
      const body = { ...chat, metadata: { agent: value, session: value }, user: value };
      expect(factsOf('openai-chat', body)).toMatchObject({ agent: undefined, session: undefined });
    },
  );

  it.each([
    [`user_9f8e_account_${uuid}_session_${uuid}`, uuid],
    [JSON.stringify({ device_id: 'd', session_id: uuid }), uuid],
    ['customer-17', 'user:customer-17'],
    ['a\u0000b', undefined],
    ['a'.repeat(300), undefined],
  ])('find the session in the user id %s', (user_id, session) => {
    expect(factsOf('anthropic-messages', { ...claude, metadata: { user_id } }).session).toBe(
      session,
    );
  });
});

const says = (content: JsonObject): JsonObject => ({
  messages: [{ role: 'user', content: [content] }],
});
const asks = (content: JsonObject): JsonObject => ({
  input: [{ role: 'user', content: [content] }],
});

describe('bound', () => {
  it.each<[DialectName, JsonObject, keyof typeof boundReasons | undefined]>([
    ['openai-chat', {}, undefined],
    ['openai-chat', { store: false, tools: [{ type: 'function', function: {} }] }, undefined],
    ['openai-chat', { modalities: ['text', 'audio'], audio: { voice: 'ash' } }, undefined],
    ['openai-chat', { store: true }, 'stored'],
    ['openai-chat', { web_search_options: {} }, 'server-tool'],
    ['openai-chat', { plugins: [{ id: 'web' }] }, 'server-tool'],
    ['openai-chat', { model: 'gpt-4o-search-preview' }, 'server-tool'],
    ['openai-chat', { model: 'openai/gpt-5.2:online' }, 'server-tool'],
    ['openai-chat', { tools: [{ type: 'builtin_function' }] }, 'server-tool'],
    ['openai-chat', says({ type: 'text', text: 'https://example.org' }), undefined],
    [
      'openai-chat',
      says({ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }),
      undefined,
    ],
    [
      'openai-chat',
      says({ type: 'image_url', image_url: { url: 'https://example.org/a.png' } }),
      'remote-content',
    ],
    ['openai-chat', says({ type: 'file', file: { file_id: 'file-1' } }), 'stored-file'],
    ['openai-chat', says({ type: 'file', file: { file_data: 'data:x' } }), undefined],
    ['openai-chat', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }, 'stored-file'],
    ['openai-responses', { previous_response_id: 'resp_1' }, 'previous-response'],
    [
      'openai-responses',
      { previous_response_id: null, conversation: null, prompt: null },
      undefined,
    ],
    ['openai-responses', { conversation: 'conv_1' }, 'conversation'],
    ['openai-responses', { store: true }, 'stored'],
    ['openai-responses', { background: true }, 'background'],
    ['openai-responses', { prompt: { id: 'pmpt_1' } }, 'stored-prompt'],
    ['openai-responses', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 'item-reference'],
    ['openai-responses', { input: [{ id: 'msg_1' }] }, 'item-reference'],
    ['openai-responses', asks({ type: 'input_file', file_id: 'file-1' }), 'stored-file'],
    [
      'openai-responses',
      asks({ type: 'input_file', file_url: 'https://example.org/a.pdf' }),
      'remote-content',
    ],
    [
      'openai-responses',
      asks({ type: 'input_image', image_url: 'https://example.org/a.png' }),
      'remote-content',
    ],
    [
      'openai-responses',
      asks({ type: 'input_image', image_url: 'data:image/png;base64,AA' }),
      undefined,
    ],
    [
      'openai-responses',
      {
        tools: [
          { type: 'function' },
          { type: 'custom' },
          { type: 'local_shell' },
          { type: 'computer' },
        ],
      },
      undefined,
    ],
    ['openai-responses', { tools: [{ type: 'web_search' }] }, 'server-tool'],
    ['openai-responses', { tools: [{ type: 'code_interpreter' }] }, 'server-tool'],
    ['openai-responses', { tools: [{ type: 'mcp' }] }, 'server-tool'],
    ['openai-responses', { tools: [{ type: 'shell', environment: { type: 'local' } }] }, undefined],
    ['openai-responses', { tools: [{ type: 'shell' }] }, 'container'],
    [
      'openai-responses',
      { tools: [{ type: 'namespace', tools: [{ type: 'mcp' }] }] },
      'server-tool',
    ],
    [
      'openai-responses',
      { input: [{ type: 'additional_tools', tools: [{ type: 'web_search' }] }] },
      'server-tool',
    ],
    [
      'openai-responses',
      {
        input: [
          {
            type: 'computer_call_output',
            output: { type: 'computer_screenshot', file_id: 'file-1' },
          },
        ],
      },
      'stored-file',
    ],
    ['openai-responses', { input: [{ type: 'function_call_output', output: 'ok' }] }, undefined],
    [
      'anthropic-messages',
      {
        tools: [
          { name: 'f', input_schema: {} },
          { type: 'bash_20250124' },
          { type: 'memory_20250818' },
        ],
      },
      undefined,
    ],
    ['anthropic-messages', { tools: [{ type: 'web_search_20250305' }] }, 'server-tool'],
    ['anthropic-messages', { tools: [{ type: 'web_fetch_20250910' }] }, 'server-tool'],
    ['anthropic-messages', { tools: [{ type: 'code_execution_20250825' }] }, 'server-tool'],
    ['anthropic-messages', { mcp_servers: [{ type: 'url' }] }, 'server-tool'],
    ['anthropic-messages', { mcp_servers: [] }, undefined],
    ['anthropic-messages', { container: 'container_1' }, 'container'],
    [
      'anthropic-messages',
      says({ type: 'image', source: { type: 'base64', data: 'AA' } }),
      undefined,
    ],
    [
      'anthropic-messages',
      says({ type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } }),
      'remote-content',
    ],
    [
      'anthropic-messages',
      says({ type: 'document', source: { type: 'file', file_id: 'file_1' } }),
      'stored-file',
    ],
    ['anthropic-messages', says({ type: 'container_upload', file_id: 'file_1' }), 'stored-file'],
    [
      'anthropic-messages',
      says({
        type: 'tool_result',
        content: [{ type: 'image', source: { type: 'url', url: 'http://example.org/a' } }],
      }),
      'remote-content',
    ],
    [
      'anthropic-messages',
      says({
        type: 'document',
        source: {
          type: 'content',
          content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }],
        },
      }),
      'stored-file',
    ],
    [
      'anthropic-count-tokens',
      says({ type: 'document', source: { type: 'url', url: 'https://example.org/a' } }),
      'remote-content',
    ],
  ])('%s %j: %s', (name, members, reason) => {
    const base = name === 'openai-responses' ? responses : chat;
    expect(factsOf(name, { ...base, ...members }).bound).toBe(reason);
  });
});
