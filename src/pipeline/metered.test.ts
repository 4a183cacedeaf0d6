import Anthropic from '@anthropic-ai/sdk';
import * as fc from 'fast-check';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { listFixtures } from '../../test/wire/fixtures.ts';
import type { DialectName } from '../exchange/dialect.ts';
import { SseParser, sseText } from '../exchange/sse.ts';
import type { ByteSink, ByteStream } from '../exchange/stream.ts';
import { dialects } from '../exchange/wire/index.ts';
import type { JsonObject } from '../kernel/json.ts';
import { meteredStream, type MeterOptions } from './metered.ts';

/** A provider that brings `chunks` and hears when it is cancelled. */
function streamOf(chunks: readonly Buffer[]): ByteStream & { cancelled: boolean } {
  return {
    cancelled: false,
    open(sink) {
      for (const chunk of chunks) {
        if (this.cancelled) return;
        sink.write(chunk);
      }
      if (!this.cancelled) sink.end();
    },
    resume() {},
    cancel() {
      this.cancelled = true;
    },
  };
}

interface Passed {
  readonly text: string;
  readonly cut: boolean;
  readonly cancelled: boolean;
  readonly outputAtMost: number;
}

function passed(
  dialect: DialectName,
  chunks: readonly Buffer[],
  options: Partial<MeterOptions> & { tokensMax: number },
): Passed {
  const source = streamOf(chunks);
  let cut = false;
  const stream = meteredStream(source, dialect, {
    usage: false,
    inputTokens: 11,
    onCut: () => (cut = true),
    ...options,
  })!;
  const parts: Buffer[] = [];
  let ended = 0;
  stream.open({
    write: (chunk) => parts.push(Buffer.from(chunk)) > 0,
    end: () => ended++,
    fail: (error) => expect.unreachable(error.message),
  } satisfies ByteSink);
  expect(ended).toBe(1);
  const text = Buffer.concat(parts).toString('utf8');
  return { text, cut, cancelled: source.cancelled, outputAtMost: stream.outputAtMost() };
}

const streaming = [
  'openai-chat',
  'openai-completions',
  'openai-responses',
  'anthropic-messages',
] as const;
const words = (count: number): string => 'The quick brown fox jumps. '.repeat(count / 5);

/** An answer of many words, as the dialect's final message. */
function long(dialect: (typeof streaming)[number], count = 1000): JsonObject {
  const text = words(count);
  if (dialect === 'openai-chat')
    return {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [0, 1].map((index) => ({
        index,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      })),
      usage: { prompt_tokens: 5, completion_tokens: 2000, total_tokens: 2005 },
    };
  if (dialect === 'openai-completions')
    return {
      id: 'cmpl-1',
      object: 'text_completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, text, logprobs: null, finish_reason: 'stop' }],
    };
  if (dialect === 'openai-responses')
    return {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      model: 'm',
      status: 'completed',
      error: null,
      incomplete_details: null,
      tools: [],
      metadata: {},
      parallel_tool_calls: true,
      tool_choice: 'auto',
      temperature: 1,
      top_p: 1,
      instructions: null,
      output: [
        { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'Thinking.' }] },
        {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
        },
      ],
      usage: {
        input_tokens: 5,
        output_tokens: 1000,
        total_tokens: 1005,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens_details: { reasoning_tokens: 0 },
      },
    };
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [
      { type: 'text', text: 'Well.' },
      { type: 'text', text },
    ],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 5, output_tokens: 1000 },
  };
}

function chunksOf(dialect: (typeof streaming)[number], final: JsonObject): Buffer[] {
  const events = dialects[dialect].streamEvents(final, { usage: true });
  return events.map((event) => Buffer.from(sseText(event)));
}

function assembled(dialect: DialectName, text: string) {
  const assembler = dialects[dialect].assembler();
  for (const event of new SseParser().push(Buffer.from(text))) assembler.push(event);
  return assembler.finish();
}

describe.each(streaming)('a stream of %s', (dialect) => {
  const chunks = chunksOf(dialect, long(dialect));
  const whole = Buffer.concat(chunks).toString('utf8');

  it('within its hold passes byte for byte', () => {
    for (const tokensMax of [2000, 20_000, 1e9]) {
      const result = passed(dialect, chunks, { tokensMax });
      expect(result).toMatchObject({ text: whole, cut: false, cancelled: false });
    }
  });

  it('is ended at its hold, whole by the rules of its dialect, and its provider is left', () => {
    const result = passed(dialect, chunks, { tokensMax: 300 });
    expect(result).toMatchObject({ cut: true, cancelled: true });
    const { final, facts } = assembled(dialect, result.text);
    expect(final).toBeDefined();
    expect(facts.outputText.length).toBeGreaterThan(1000);
    expect(facts.outputText.length).toBeLessThan(3500);
    expect(JSON.stringify(final)).toMatch(/"(?:length|max_output_tokens|max_tokens)"/);
  });

  it('is ended at once where anything beyond the hold must not pass', () => {
    const { text, outputAtMost } = passed(dialect, chunks, { tokensMax: 300, cutWhen: 'perhaps' });
    expect(assembled(dialect, text).facts.outputText.length).toBeLessThan(300);
    expect(outputAtMost).toBeLessThan(500);
  });

  it('counts no less than the text has bytes', () => {
    const result = passed(dialect, chunks.slice(0, -3), { tokensMax: 1e9 });
    const { outputText } = assembled(dialect, result.text).facts;
    expect(result.outputAtMost).toBeGreaterThanOrEqual(Buffer.byteLength(outputText));
  });

  it('is cut between frames however its bytes come', () => {
    const frames = new Set(chunks.map(String));
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 5 }),
        fc.integer({ min: 0, max: 800 }),
        (sizes, tokensMax) => {
          const torn: Buffer[] = [];
          const bytes = Buffer.from(whole);
          for (let at = 0, index = 0; at < bytes.length; index++) {
            const size = sizes[index % sizes.length]!;
            torn.push(bytes.subarray(at, at + size));
            at += size;
          }
          const { text, cut } = passed(dialect, torn, { tokensMax });
          expect(text.endsWith('\n\n')).toBe(true);
          if (!cut) expect(text).toBe(whole);
          expect(assembled(dialect, text).final).toBeDefined();
          const own = text.split(/(?<=\n\n)/).filter((frame) => !frames.has(frame));
          expect(own.length).toBeLessThan(10);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('of the wire fixtures passes as it came', () => {
    for (const { response, streamed, name } of listFixtures(dialect)) {
      if (!streamed) continue;
      const { text } = passed(dialect, [response], { tokensMax: 1 << 20 });
      expect(text, name).toBe(response.toString('utf8'));
    }
  });
});

/** A fetch that answers with the stream cut at 300 tokens. */
const cutFetch =
  (dialect: (typeof streaming)[number], usage: boolean, final = long(dialect)): typeof fetch =>
  () => {
    const { text, cut } = passed(dialect, chunksOf(dialect, final), { tokensMax: 300, usage });
    expect(cut).toBe(true);
    return Promise.resolve(
      new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
    );
  };

describe('the SDKs read a cut stream', () => {
  const openai = (dialect: (typeof streaming)[number], usage = false, final?: JsonObject): OpenAI =>
    new OpenAI({ apiKey: 'k', fetch: cutFetch(dialect, usage, final), maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'x' }];

  it('of chat, with both of its choices ended and its count', async () => {
    const stream = openai('openai-chat', true).chat.completions.stream({
      model: 'm',
      messages,
      n: 2,
      stream_options: { include_usage: true },
    });
    const final = await stream.finalChatCompletion();
    expect(final.choices.map((choice) => choice.finish_reason)).toEqual(['length', 'length']);
    expect(final.usage).toMatchObject({ prompt_tokens: 11 });
    expect(final.usage!.completion_tokens).toBeGreaterThanOrEqual(300);
  });

  it('of chat, without a count that nobody asked for', async () => {
    const stream = await openai('openai-chat').chat.completions.create({
      model: 'm',
      messages,
      stream: true,
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('length');
  });

  it('of legacy completions', async () => {
    const stream = await openai('openai-completions').completions.create({
      model: 'm',
      prompt: 'x',
      stream: true,
    });
    let last;
    for await (const chunk of stream) last = chunk;
    expect(last?.choices[0]?.finish_reason).toBe('length');
  });

  it('of responses', async () => {
    const stream = openai('openai-responses').responses.stream({ model: 'm', input: 'x' });
    const types: string[] = [];
    stream.on('event', (event) => types.push(event.type));
    const final = await stream.finalResponse();
    expect(final).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    });
    expect(final.output).toHaveLength(2);
    expect(final.output_text.length).toBeGreaterThan(1000);
    expect(types.slice(-4)).toEqual([
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete',
    ]);
  });

  it('of a call of responses', async () => {
    const call = {
      id: 'fc_1',
      type: 'function_call',
      call_id: 'c',
      name: 'f',
      arguments: JSON.stringify({ a: words(1000) }),
      status: 'completed',
    };
    const final = { ...long('openai-responses'), output: [call] };
    const stream = openai('openai-responses', false, final).responses.stream({
      model: 'm',
      input: 'x',
    });
    const [item] = (await stream.finalResponse()).output;
    expect(item).toMatchObject({ type: 'function_call', status: 'incomplete' });
  });

  it('of messages', async () => {
    const client = new Anthropic({
      apiKey: 'k',
      fetch: cutFetch('anthropic-messages', false),
      maxRetries: 0,
    });
    const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages });
    const final = await stream.finalMessage();
    expect(final.stop_reason).toBe('max_tokens');
    expect(final.content).toHaveLength(2);
    expect(final.usage.output_tokens).toBeGreaterThanOrEqual(300);
  });

  it('of a call of messages', async () => {
    const block = { type: 'tool_use', id: 't', name: 'f', input: { a: words(1000) } };
    const answer = { ...long('anthropic-messages'), content: [block] };
    const client = new Anthropic({
      apiKey: 'k',
      fetch: cutFetch('anthropic-messages', false, answer),
      maxRetries: 0,
    });
    const final = await client.messages
      .stream({ model: 'm', max_tokens: 9, messages })
      .finalMessage();
    expect(final.stop_reason).toBe('max_tokens');
    expect(final.content[0]).toMatchObject({ type: 'tool_use', name: 'f' });
  });
});
