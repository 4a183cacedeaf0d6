import { describe, expect, it } from 'vitest';
import { jsonOf, listFixtures, loadFixture } from '../../../test/wire/fixtures.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { AnswerFacts, DialectName } from '../dialect.ts';
import { SseParser } from '../sse.ts';
import { noUsage } from '../usage.ts';
import { dialects } from './index.ts';
import { unfitReasons } from './unfit.ts';

interface Assembled {
  readonly facts: AnswerFacts;
  readonly final: JsonObject | undefined;
}

function assembled(dialect: DialectName, bytes: Buffer | string): Assembled {
  const assembler = dialects[dialect].assembler();
  for (const event of new SseParser().push(Buffer.from(bytes))) assembler.push(event);
  return assembler.finish();
}

const stream = (dialect: DialectName, name: string): Assembled =>
  assembled(dialect, loadFixture(dialect, name).response);

const messageOf = (final: JsonObject | undefined, choice = 0): JsonObject =>
  (final as { choices: { message: JsonObject }[] }).choices[choice]!.message;

describe('openai-chat streams', () => {
  it('become the completion that a plain call would have brought', () => {
    expect(stream('openai-chat', 'stream-usage').final).toEqual({
      id: 'chatcmpl-C9zYq3LkXh0dT2',
      object: 'chat.completion',
      created: 1_764_000_000,
      model: 'gpt-5.2-2026-03-05',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello!', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: expect.objectContaining({ prompt_tokens: 20, completion_tokens: 3 }) as object,
      service_tier: 'default',
      system_fingerprint: 'fp_560af6e559',
    });
  });

  it('bring facts', () => {
    expect(stream('openai-chat', 'stream').facts).toEqual({
      model: 'gpt-5.2-2026-03-05',
      usage: undefined,
      serviceTier: 'default',
      unfit: undefined,
      outputText: 'Hello, größer 🌍!',
    });
  });

  it('read the same with carriage returns', () => {
    const { facts, final } = stream('openai-chat', 'crlf');
    expect(facts.unfit).toBeUndefined();
    expect(messageOf(final)['content']).toBe('Line ends');
  });

  it('put parallel tool calls together by their index', () => {
    const { facts, final } = stream('openai-chat', 'parallel-tools');
    expect(messageOf(final)).toEqual({
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [
        {
          id: 'call_a1',
          type: 'function',
          function: { name: 'get_weather', arguments: '{"city":"Lima"}' },
        },
        {
          id: 'call_b2',
          type: 'function',
          function: { name: 'get_weather', arguments: '{"city":"Cusco"}' },
        },
      ],
    });
    expect(facts.outputText).toBe('get_weather{"city":"Lima"}get_weather{"city":"Cusco"}');
  });

  it('put custom tool calls together', () => {
    expect(messageOf(stream('openai-chat', 'custom-tool').final)['tool_calls']).toEqual([
      { id: 'call_c1', type: 'custom', custom: { name: 'apply', input: '*** Begin Patch\n' } },
    ]);
  });

  it('keep reasoning and count it', () => {
    const { facts, final } = stream('openai-chat', 'reasoning');
    expect(messageOf(final)).toEqual({
      role: 'assistant',
      content: '9.8 is larger.',
      reasoning_content: 'Compare the tenths.',
    });
    expect(facts.usage).toEqual({ ...noUsage, fresh: 14, output: 12, reasoning: 12 });
  });

  it("keep OpenRouter's reasoning details with their signature, and its own members", () => {
    const { facts, final } = stream('openai-chat', 'openrouter');
    expect(messageOf(final)['reasoning_details']).toEqual([
      {
        type: 'reasoning.text',
        text: 'Let me think.',
        signature: 'EqQBCkgIYhABGAIiQK+/=',
        format: 'anthropic-claude-v1',
        index: 0,
      },
    ]);
    expect(final).toMatchObject({
      provider: 'Anthropic',
      choices: [{ native_finish_reason: 'end_turn' }],
    });
    expect(facts.outputText).toBe('Let me think.Done.');
    expect(facts.usage).toMatchObject({ fresh: 4, cacheRead: 4, cacheWrite5m: 2 });
  });

  it("are not confused by Azure's first chunk without a name", () => {
    expect(stream('openai-chat', 'azure').final).toMatchObject({
      id: 'chatcmpl-C9zYq3LkXh0dT2',
      model: 'gpt-5.2-2026-03-05',
      prompt_filter_results: [{ prompt_index: 0 }],
    });
  });

  it('keep choices apart that come in turn', () => {
    const { facts, final } = stream('openai-chat', 'two-choices');
    expect(messageOf(final, 0)['content']).toBe('Red one.');
    expect(messageOf(final, 1)['content']).toBe('Blue.');
    expect(facts.unfit).toBeUndefined();
  });

  it('put the lists of log probabilities one after the other', () => {
    const { final } = stream('openai-chat', 'logprobs');
    const tokens = [
      expect.objectContaining({ token: 'Yes' }),
      expect.objectContaining({ token: '.' }),
    ];
    expect(final).toMatchObject({ choices: [{ logprobs: { content: tokens, refusal: null } }] });
  });

  it('take a usage chunk after the end for the end where no [DONE] comes, but nothing less', () => {
    const text = loadFixture('openai-chat', 'stream-usage').response.toString();
    const endless = text.replace('data: [DONE]\n\n', '');
    expect(assembled('openai-chat', endless).final).toBeDefined();
    const cut = loadFixture('openai-chat', 'stream')
      .response.toString()
      .replace('data: [DONE]\n\n', '');
    expect(assembled('openai-chat', cut)).toMatchObject({
      final: undefined,
      facts: { unfit: 'incomplete' },
    });
  });

  it('put spoken answers and old function calls together', () => {
    const chunk = (delta: JsonObject, finish: string | null = null): string =>
      `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    const text = [
      chunk({ role: 'assistant', function_call: { name: 'f', arguments: '' } }),
      chunk({ function_call: { arguments: '{}' } }),
      chunk({ audio: { id: 'audio_1' } }),
      chunk({ audio: { transcript: 'Hel', data: 'AAA' } }),
      chunk({ audio: { transcript: 'lo', data: 'BBB' } }),
      chunk({ audio: { expires_at: 9 }, vendor_notes: 'a', vendor_score: 1 }),
      chunk({ vendor_notes: 'b', vendor_score: 2 }, 'stop'),
      'data: [DONE]\n\n',
    ];
    expect(messageOf(assembled('openai-chat', text.join('')).final)).toEqual({
      role: 'assistant',
      function_call: { name: 'f', arguments: '{}' },
      audio: { id: 'audio_1', transcript: 'Hello', data: 'AAABBB', expires_at: 9 },
      vendor_notes: 'ab',
      vendor_score: 2,
    });
  });
});

describe('openai-completions streams', () => {
  it('become the completion', () => {
    const plain = jsonOf(loadFixture('openai-completions', 'plain').response);
    expect(stream('openai-completions', 'stream-usage').final).toEqual(plain);
  });
});

describe('openai-responses streams', () => {
  it('bring the response with their last event', () => {
    const { facts, final } = stream('openai-responses', 'stream');
    expect(final).toEqual(jsonOf(loadFixture('openai-responses', 'plain').response));
    expect(facts).toMatchObject({
      model: 'gpt-5.2-2026-03-05',
      unfit: undefined,
      outputText: 'Hello, größer!',
      usage: { fresh: 25, cacheRead: 8, cacheWrite5m: 4, output: 6, reasoning: 5 },
    });
  });

  it('take the output from the items where the last event leaves it out', () => {
    const { response } = loadFixture('openai-responses', 'reasoning-tools');
    const events = new SseParser().push(response);
    const assembler = dialects['openai-responses'].assembler();
    const whole = JSON.parse(events.at(-1)!.data) as { response: { output: unknown[] } };
    for (const event of events.slice(0, -1)) assembler.push(event);
    const bare = { ...whole, response: { ...whole.response, output: [] } };
    assembler.push({ event: undefined, data: JSON.stringify(bare) });
    expect(assembler.finish().final).toEqual(whole.response);
  });

  it('tell what was written when they break off', () => {
    expect(stream('openai-responses', 'torn')).toMatchObject({
      final: undefined,
      facts: { unfit: 'incomplete', outputText: 'Hello, größer!' },
    });
  });
});

describe('anthropic-messages streams', () => {
  it('become the message, their usage the last that was said', () => {
    const { facts, final } = stream('anthropic-messages', 'stream');
    expect(final).toMatchObject({
      id: 'msg_01Aq9w938a90dw8q',
      content: [{ type: 'text', text: 'Hello, größer 🌍!' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 12, output_tokens: 15, service_tier: 'standard' },
    });
    expect(facts.usage).toEqual({
      ...noUsage,
      fresh: 12,
      cacheRead: 2048,
      cacheWrite5m: 200,
      cacheWrite1h: 100,
      output: 15,
    });
    expect(stream('anthropic-messages', 'crlf')).toEqual({ facts, final });
  });

  it('parse the input of tools, and take none for an empty one', () => {
    expect(stream('anthropic-messages', 'parallel-tools').final).toMatchObject({
      content: [
        { type: 'text' },
        {
          type: 'tool_use',
          id: 'toolu_01A',
          name: 'get_weather',
          input: { city: 'Lima', days: 3 },
        },
        { type: 'tool_use', id: 'toolu_01B', name: 'now', input: {} },
      ],
    });
  });

  it('keep thinking and its signatures to the byte', () => {
    const plain = jsonOf(loadFixture('anthropic-messages', 'plain-thinking').response);
    const { facts, final } = stream('anthropic-messages', 'thinking');
    expect(final?.['content']).toEqual(plain['content']);
    expect(facts.usage).toMatchObject({ output: 9, reasoning: 6 });
  });

  it('count searches', () => {
    expect(stream('anthropic-messages', 'web-search').facts.usage?.webSearches).toBe(1);
  });

  const block = (input: string, delta = 'input_json_delta'): string =>
    [
      { type: 'message_start', message: { model: 'm', content: [] } },
      { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', input: {} } },
      { type: 'content_block_delta', index: 0, delta: { type: delta, partial_json: input } },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' } },
      { type: 'message_stop' },
    ]
      .map((each) => `data: ${JSON.stringify(each)}\n\n`)
      .join('');

  it('have no final message where the input lost digits, broke off, or grew in an unknown way', () => {
    const text = (input: string, delta?: string) =>
      assembled('anthropic-messages', block(input, delta));
    expect(text('{"id":9007199254740991}').facts.unfit).toBeUndefined();
    expect(text('{"id":[12345678901234567890]}')).toMatchObject({
      final: undefined,
      facts: { unfit: 'inexact' },
    });
    expect(text('{"id":')).toMatchObject({ final: undefined, facts: { unfit: 'incomplete' } });
    expect(text('', 'new_delta')).toMatchObject({
      final: undefined,
      facts: { unfit: 'unfamiliar' },
    });
  });
});

describe('unfit', () => {
  it.each<[DialectName, string, keyof typeof unfitReasons, boolean]>([
    ['openai-chat', 'refusal', 'refused', true],
    ['openai-chat', 'content-filter', 'filtered', true],
    ['openai-chat', 'error-in-stream', 'error', false],
    ['openai-chat', 'torn', 'incomplete', false],
    ['openai-chat', 'unfinished', 'incomplete', false],
    ['openai-responses', 'incomplete', 'incomplete', true],
    ['openai-responses', 'failed', 'error', false],
    ['openai-responses', 'error-in-stream', 'error', false],
    ['openai-responses', 'torn', 'incomplete', false],
    ['anthropic-messages', 'refusal', 'refused', true],
    ['anthropic-messages', 'error-in-stream', 'error', false],
    ['anthropic-messages', 'torn', 'incomplete', false],
    ['anthropic-messages', 'web-search', 'citations', true],
  ])('%s %s: %s', (dialect, name, reason, whole) => {
    const { facts, final } = stream(dialect, name);
    expect(facts.unfit).toBe(reason);
    expect(final !== undefined).toBe(whole);
  });

  it.each<[DialectName, JsonObject, string]>([
    ['openai-chat', { error: { message: 'x' } }, 'error'],
    ['openai-chat', { choices: [] }, 'incomplete'],
    ['openai-chat', { choices: [{ finish_reason: 'error', message: {} }] }, 'error'],
    [
      'openai-chat',
      {
        choices: [{ finish_reason: 'stop', message: { annotations: [{ type: 'url_citation' }] } }],
      },
      'citations',
    ],
    ['openai-responses', { status: 'queued', output: [] }, 'incomplete'],
    [
      'openai-responses',
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' }, output: [] },
      'filtered',
    ],
    [
      'openai-responses',
      { status: 'completed', output: [{ content: [{ annotations: [{ type: 'url_citation' }] }] }] },
      'citations',
    ],
    ['openai-embeddings', { data: [] }, 'incomplete'],
    ['anthropic-messages', { type: 'error', error: {} }, 'error'],
    ['anthropic-messages', { content: [], stop_reason: 'pause_turn' }, 'tool-state'],
    [
      'anthropic-messages',
      { content: [], stop_reason: 'end_turn', container: { id: 'c' } },
      'tool-state',
    ],
    ['anthropic-count-tokens', {}, 'error'],
  ])('%s %j: %s', (dialect, answer, reason) => {
    expect(dialects[dialect].answerFacts(answer).unfit).toBe(reason);
  });

  it('is not what the token limit ends', () => {
    const chat = { choices: [{ finish_reason: 'length', message: { content: 'a' } }] };
    expect(dialects['openai-chat'].answerFacts(chat).unfit).toBeUndefined();
    const message = { content: [], stop_reason: 'max_tokens' };
    expect(dialects['anthropic-messages'].answerFacts(message).unfit).toBeUndefined();
  });

  it('is no plain answer but a refusal', () => {
    for (const name of Object.keys(dialects) as DialectName[]) {
      for (const each of listFixtures(name)) {
        if (each.streamed) continue;
        const { unfit } = dialects[name].answerFacts(jsonOf(each.response));
        expect(unfit).toBe(each.name === 'refusal' ? 'refused' : undefined);
      }
    }
  });
});

describe('answers without streams', () => {
  it('count embeddings, and bill nothing for counting', () => {
    const answer = jsonOf(loadFixture('openai-embeddings', 'plain').response);
    expect(dialects['openai-embeddings'].answerFacts(answer).usage).toEqual({
      ...noUsage,
      fresh: 1,
    });
    expect(dialects['anthropic-count-tokens'].answerFacts({ input_tokens: 8 }).usage).toEqual(
      noUsage,
    );
  });

  it('never take a stream for an answer', () => {
    const text = 'data: {"input_tokens":1}\n\n';
    expect(assembled('anthropic-count-tokens', text)).toMatchObject({ final: undefined });
  });
});

describe('errors', () => {
  const shape = {
    status: 429,
    type: 'rate_limit_error',
    code: 'ECO_X',
    message: 'Too fast; wait.',
    param: undefined,
  };

  it('have the shape of each dialect', () => {
    const openai = {
      error: { message: shape.message, type: shape.type, param: null, code: 'ECO_X' },
    };
    const anthropic = {
      type: 'error',
      error: { type: 'rate_limit_error', message: shape.message, code: 'ECO_X' },
    };
    expect(dialects['openai-chat'].errorBody(shape)).toEqual(openai);
    expect(dialects['anthropic-messages'].errorBody(shape)).toEqual(anthropic);
    expect(dialects['anthropic-messages'].errorBody({ ...shape, status: 500 })).toMatchObject({
      error: { type: 'api_error' },
    });
    expect(
      dialects['anthropic-messages'].errorBody({ ...shape, status: 400, param: 'x' }),
    ).toMatchObject({ error: { type: 'invalid_request_error', param: 'x' } });
  });

  it('end a stream as an error', () => {
    for (const dialect of ['openai-chat', 'openai-responses', 'anthropic-messages'] as const) {
      const assembler = dialects[dialect].assembler();
      assembler.push(dialects[dialect].errorEvent(shape));
      expect(assembler.finish().facts.unfit).toBe('error');
    }
  });
});
