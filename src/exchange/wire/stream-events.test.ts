import Anthropic from '@anthropic-ai/sdk';
import * as fc from 'fast-check';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { jsonOf, listFixtures } from '../../../test/wire/fixtures.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { DialectName, SseEvent } from '../dialect.ts';
import { SseParser, sseText } from '../sse.ts';
import { dialects } from './index.ts';

const streaming = [
  'openai-chat',
  'openai-completions',
  'openai-responses',
  'anthropic-messages',
] as const;

function events(dialect: DialectName, final: JsonObject): readonly SseEvent[] {
  return dialects[dialect].streamEvents(final, { usage: true });
}

function assembled(dialect: DialectName, stream: readonly SseEvent[]): JsonObject | undefined {
  const assembler = dialects[dialect].assembler();
  for (const event of stream) assembler.push(event);
  return assembler.finish().final;
}

/** Every whole answer that the fixtures hold: the plain ones, and what the streams amount to. */
function finals(dialect: DialectName): JsonObject[] {
  return listFixtures(dialect).flatMap(({ response, streamed }) => {
    if (!streamed) return [jsonOf(response)];
    const final = assembled(dialect, new SseParser().push(response));
    return final === undefined ? [] : [final];
  });
}

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.lorem({ maxCount: 40 }));
const counts = fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat() });
const object = fc
  .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue())
  .map((each) => JSON.parse(JSON.stringify(each)) as JsonObject);

const functionCall = fc.record({
  id: fc.stringMatching(/^call_[a-z]{1,6}$/),
  type: fc.constant('function'),
  function: fc.record({ name: fc.stringMatching(/^[a-z]{1,9}$/), arguments: text }),
});
const customCall = fc.record({
  id: fc.stringMatching(/^call_[a-z]{1,6}$/),
  type: fc.constant('custom'),
  custom: fc.record({ name: fc.stringMatching(/^[a-z]{1,9}$/), input: text }),
});

const chatMessage = fc.record(
  {
    role: fc.constant('assistant'),
    content: fc.option(text),
    refusal: fc.option(text),
    reasoning_content: text,
    annotations: fc.array(object),
    audio: fc.record({ id: text, transcript: text, data: text, expires_at: fc.nat() }),
    tool_calls: fc.array(fc.oneof(functionCall, customCall)),
  },
  { requiredKeys: ['role', 'content'] },
);

const chatCompletion = fc.record(
  {
    id: fc.stringMatching(/^[a-z]{1,9}$/),
    object: fc.constant('chat.completion'),
    created: fc.nat(),
    model: fc.stringMatching(/^[a-z]{1,9}$/),
    choices: fc
      .array(
        fc.record(
          {
            message: chatMessage,
            finish_reason: fc.constantFrom('stop', 'length', 'tool_calls'),
            logprobs: fc.option(
              fc.record({ content: fc.array(object), refusal: fc.constant(null) }),
            ),
          },
          { requiredKeys: ['message', 'finish_reason'] },
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((choices) => choices.map((choice, index) => ({ index, ...choice }))),
    usage: counts,
    service_tier: fc.constant('default'),
    vendor: object,
  },
  { requiredKeys: ['id', 'object', 'created', 'model', 'choices'] },
);

const block = fc.oneof(
  fc.record(
    { type: fc.constant('text'), text, citations: fc.option(fc.array(object, { minLength: 1 })) },
    { requiredKeys: ['type', 'text'] },
  ),
  fc.record({ type: fc.constant('thinking'), thinking: text, signature: fc.base64String() }),
  fc.record({ type: fc.constant('redacted_thinking'), data: fc.base64String() }),
  fc.record({ type: fc.constant('tool_use'), id: text, name: text, input: object }),
  fc.record({ type: fc.constant('something_new'), shape: object }),
);

const message = fc.record(
  {
    id: fc.stringMatching(/^msg_[a-z]{1,9}$/),
    type: fc.constant('message'),
    role: fc.constant('assistant'),
    model: fc.constant('claude'),
    content: fc.array(block),
    stop_reason: fc.constantFrom('end_turn', 'max_tokens', 'tool_use', 'stop_sequence'),
    stop_sequence: fc.option(text),
    stop_details: fc.constant(null),
    usage: fc.record(
      {
        input_tokens: fc.nat(),
        output_tokens: fc.nat(),
        cache_read_input_tokens: fc.option(fc.nat()),
        server_tool_use: fc.option(fc.record({ web_search_requests: fc.nat() })),
        service_tier: fc.constant('standard'),
      },
      { requiredKeys: ['input_tokens', 'output_tokens'] },
    ),
  },
  { requiredKeys: ['id', 'type', 'role', 'model', 'content', 'stop_reason', 'usage'] },
);

describe('streamEvents', () => {
  it.each(streaming)('of %s bring every answer of the fixtures back', (dialect) => {
    for (const final of finals(dialect)) {
      expect(assembled(dialect, events(dialect, final))).toEqual(final);
    }
  });

  it('bring any chat completion back', () => {
    fc.assert(
      fc.property(chatCompletion, (final) => {
        expect(assembled('openai-chat', events('openai-chat', final as JsonObject))).toEqual(final);
      }),
    );
  });

  it('bring any Anthropic message back', () => {
    fc.assert(
      fc.property(message, (made) => {
        const final = made as unknown as JsonObject;
        // Whole numbers beyond 2^53 are refused, see the assembler.
        fc.pre(dialects['anthropic-messages'].answerFacts(final).unfit !== 'inexact');
        expect(assembled('anthropic-messages', events('anthropic-messages', final))).toEqual(final);
      }),
    );
  });

  it('bring any legacy completion back', () => {
    const choice = fc.record({ text, finish_reason: fc.constantFrom('stop', 'length') });
    fc.assert(
      fc.property(fc.array(choice, { minLength: 1 }), (choices) => {
        const final = {
          id: 'c',
          object: 'text_completion',
          created: 1,
          model: 'm',
          choices: choices.map((each, index) => ({ index, logprobs: null, ...each })),
        };
        expect(assembled('openai-completions', events('openai-completions', final))).toEqual(final);
      }),
    );
  });

  it('end with usage where it was asked for, and do not speak of it where not', () => {
    const final = finals('openai-chat').find((each) => each['usage'] !== undefined);
    const dialect = dialects['openai-chat'];
    const asked = dialect.streamEvents(final!, { usage: true });
    expect(asked.slice(0, -2).every(({ data }) => data.includes('"usage":null'))).toBe(true);
    expect(asked.findIndex((event) => dialect.isUsageOnly(event))).toBe(asked.length - 2);
    const unasked = dialect.streamEvents(final!, { usage: false });
    expect(unasked.some(({ data }) => data.includes('usage'))).toBe(false);
    expect(unasked.at(-1)?.data).toBe('[DONE]');
  });

  it('number the events of responses and name them', () => {
    for (const final of finals('openai-responses')) {
      const told = events('openai-responses', final);
      told.forEach(({ event, data }, index) => {
        expect(JSON.parse(data)).toMatchObject({ type: event, sequence_number: index });
      });
    }
  });

  it('never cut a character apart', () => {
    const content = '🌍'.repeat(200);
    const final = { id: 'c', choices: [{ index: 0, message: { content }, finish_reason: 'stop' }] };
    for (const { data } of events('openai-chat', final)) expect(data).not.toMatch(/\\ud[89a-f]/i);
  });
});

/** A `fetch` whose every answer is the stream of `final`. */
function answering(dialect: DialectName, final: JsonObject): typeof fetch {
  const body = events(dialect, final).map(sseText).join('');
  const headers = { 'content-type': 'text/event-stream' };
  return () => Promise.resolve(new Response(body, { headers }));
}

const withoutNulls = (value: JsonValue | undefined): unknown =>
  JSON.parse(JSON.stringify(value), (_name, each: unknown) => (each === null ? undefined : each));

describe("the providers' own SDKs", () => {
  const messages = [{ role: 'user' as const, content: 'hi' }];

  it('read our chat streams', async () => {
    for (const final of finals('openai-chat')) {
      const client = new OpenAI({ apiKey: 'k', fetch: answering('openai-chat', final) });
      const stream = client.chat.completions.stream({ model: 'm', messages });
      const read = (await stream.finalChatCompletion()) as unknown as JsonObject;
      expect(withoutNulls(read)).toMatchObject(withoutNulls(final) as object);
    }
  });

  it('read our completion streams', async () => {
    const [final] = finals('openai-completions');
    const client = new OpenAI({ apiKey: 'k', fetch: answering('openai-completions', final!) });
    const stream = await client.completions.create({ model: 'm', prompt: '1, 2,', stream: true });
    let read = '';
    for await (const chunk of stream) read += chunk.choices[0]?.text ?? '';
    expect(read).toBe(' 3, 4');
  });

  it('read our responses streams, delta by delta', async () => {
    for (const final of finals('openai-responses')) {
      const client = new OpenAI({ apiKey: 'k', fetch: answering('openai-responses', final) });
      const stream = client.responses.stream({ model: 'm', input: 'hi' });
      let spoken = '';
      stream.on('response.output_text.delta', (event) => (spoken += event.delta));
      const read = await stream.finalResponse();
      expect(read.output_text).toBe(spoken);
      expect(withoutNulls(read as unknown as JsonObject)).toMatchObject(
        withoutNulls(final) as object,
      );
    }
  });

  it('read our message streams', async () => {
    for (const final of finals('anthropic-messages')) {
      const client = new Anthropic({ apiKey: 'k', fetch: answering('anthropic-messages', final) });
      const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages });
      const read = (await stream.finalMessage()) as unknown as JsonObject;
      expect(withoutNulls(read)).toEqual(withoutNulls(final));
    }
  });

  it('throw on our error events', async () => {
    const shape = {
      status: 502,
      type: 'server_error',
      code: 'ECO_X',
      message: 'Gone.',
      param: undefined,
    };
    const failing = (dialect: DialectName): typeof fetch => {
      const body = sseText(dialects[dialect].errorEvent(shape));
      const headers = { 'content-type': 'text/event-stream' };
      return () => Promise.resolve(new Response(body, { headers }));
    };
    const openai = (dialect: DialectName): OpenAI =>
      new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: failing(dialect) });
    const chat = openai('openai-chat').chat.completions.stream({ model: 'm', messages });
    await expect(chat.finalChatCompletion()).rejects.toThrow('Gone.');
    const responses = openai('openai-responses').responses.stream({ model: 'm', input: 'hi' });
    await expect(responses.finalResponse()).rejects.toThrow('Gone.');
    const client = new Anthropic({
      apiKey: 'k',
      maxRetries: 0,
      fetch: failing('anthropic-messages'),
    });
    const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages });
    await expect(stream.finalMessage()).rejects.toThrow('Gone.');
  });
});
