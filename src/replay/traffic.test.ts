import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EconomizerError } from '../kernel/errors.ts';
import { asModel } from './as-model.ts';
import { readTraffic, type Session } from './traffic.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'traffic-'));
});
afterAll(() => rm(folder, { recursive: true }));

const conversation = (session: string, ...times: (number | undefined)[]): object => ({
  session,
  model: 'gpt-4o',
  messages: times.flatMap((at, index) => [
    { role: 'user', content: `question ${index}` },
    { role: 'assistant', content: `answer ${index}`, ...(at !== undefined && { at_ms: at }) },
  ]),
});
const call = (at: number, content: string): object => ({
  at_ms: at,
  request: { model: 'gpt-4o', messages: [{ role: 'user', content }] },
  response: {
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  },
});
const linesOf = (...records: unknown[]): string =>
  records.map((each) => JSON.stringify(each)).join('\n');

async function write(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

function read(
  files: string[],
  model?: string,
  standardInput = Readable.from([]),
): Promise<Session[]> {
  return readTraffic(files, { model, standardInput });
}

describe('files', () => {
  it('may be plain, gzip, zstd or standard input, whatever their names', async () => {
    const text = linesOf(conversation('a', 0));
    const files = [
      await write('plain.jsonl', `${text}\n\n`),
      await write('packed.jsonl.gz', gzipSync(text)),
      await write('packed-too', zstdCompressSync(text)),
      '-',
    ];
    const sessions = await read(files, undefined, Readable.from([Buffer.from(text)]));
    expect(sessions).toHaveLength(4);
    for (const { calls } of sessions) expect(calls).toEqual(sessions[0]?.calls);
  });

  it('may hold line separators in their texts, a byte order mark, and either line ending', async () => {
    const content = 'one\u2028two\u2029three — Grüße 🌍';
    const text = linesOf(call(0, content), call(1, content));
    const bytes = Buffer.from(`\ufeff${text.replaceAll('\n', '\r\n')}\r\n`);
    const pieces = Array.from(bytes, (byte) => Buffer.from([byte]));
    const files = [await write('separators', bytes), '-'];
    const sessions = await read(files, undefined, Readable.from(pieces));
    expect(sessions).toHaveLength(4);
    for (const { calls } of sessions) expect(JSON.stringify(calls[0]!.answer)).toContain(content);
  });

  it('need name no model where one is given for all', async () => {
    const { model: _, ...unnamed } = conversation('a', 0) as { model: string };
    const { request, ...rest } = call(1, 'x') as { request: { messages: unknown } };
    const other = { ...rest, request: { messages: request.messages } };
    const sessions = await read([await write('unnamed', linesOf(unnamed, other))], 'gpt-4o');
    expect(sessions.map(({ calls }) => [calls[0]!.model, calls[0]!.request['model']])).toEqual([
      ['gpt-4o', 'gpt-4o'],
      ['gpt-4o', 'gpt-4o'],
    ]);
  });

  it.each([
    ['no such file', 'missing', undefined, /missing: there is no such file/],
    [
      'a damaged file',
      'damaged.gz',
      gzipSync('{}'.repeat(999)).subarray(0, 30),
      /damaged\.gz: the packed file is damaged/,
    ],
    ['no JSON', 'text', '{}\nhello', /text, line 1: .*"messages"/],
    [
      'a line that is no object',
      'list',
      `${linesOf(call(0, 'x'))}\n[1]`,
      /list, line 2: this is not a JSON object/,
    ],
    [
      'a message without a role',
      'role',
      linesOf({ model: 'm', messages: [{ content: 'x' }] }),
      /role, line 1: message 1 needs a "role"/,
    ],
    ['no model', 'model', linesOf({ messages: [] }), /needs a "model"/],
    ['no response', 'response', linesOf({ at_ms: 0, request: { model: 'm' } }), /needs "response"/],
    [
      'an unknown response',
      'form',
      linesOf({ request: { model: 'm' }, response: { hello: 1 } }),
      /no answer of a known form/,
    ],
    [
      'a wrong time',
      'time',
      linesOf({ ...call(0, 'x'), at_ms: 'noon' }),
      /"at_ms" must be a number/,
    ],
    ['no calls at all', 'empty', linesOf({ model: 'm', messages: [] }), /There is no call in/],
  ])('are refused with file and line: %s', async (_what, name, content, message) => {
    const path = content === undefined ? join(folder, name) : await write(name, content);
    const failure = await read([path]).catch((error: unknown) => error);
    expect(EconomizerError.is(failure) && failure.code).toBe('ECO_FILE');
    expect((failure as Error).message).toMatch(message);
  });
});

describe('time', () => {
  const starts = (sessions: Session[]): (readonly number[])[] =>
    sessions.map(({ startsMs }) => startsMs);

  it('is two seconds a call and one conversation after another where none is given', async () => {
    const file = await write(
      'untimed',
      linesOf(conversation('a', undefined, undefined), conversation('b', undefined)),
    );
    expect(starts(await read([file]))).toEqual([[0, 2000], [4000]]);
  });

  it('is the recorded one where it is given, and calls may overlap', async () => {
    const file = await write(
      'timed',
      linesOf(conversation('a', 0, 5000), conversation('b', 1000), call(2500, 'c')),
    );
    expect(starts(await read([file]))).toEqual([[0, 5000], [1000], [2500]]);
  });

  it('goes on from file to file, also where each began its own clock', async () => {
    const first = await write('first', linesOf(call(0, 'a'), call(3000, 'b')));
    const second = await write('second', linesOf(call(500, 'c'), call(1500, 'd')));
    expect(starts(await read([first, second]))).toEqual([[0], [3000], [5000], [6000]]);
    const epoch = 1_700_000_000_000;
    const monday = await write('monday', linesOf(call(epoch, 'a')));
    const tuesday = await write('tuesday', linesOf(call(epoch + 86_400_000, 'b')));
    expect(starts(await read([monday, tuesday]))).toEqual([[0], [86_400_000]]);
  });
});

describe('calls', () => {
  it('are the assistant messages, each with everything before it', async () => {
    const [session] = await read([await write('conversation', linesOf(conversation('a', 0, 10)))]);
    expect(session?.chained).toBe(true);
    expect(session?.calls[1]?.request).toEqual({
      model: 'gpt-4o',
      messages: [
        { role: 'user', content: 'question 0' },
        { role: 'assistant', content: 'answer 0' },
        { role: 'user', content: 'question 1' },
      ],
    });
    expect(session?.calls[1]?.answer['choices']).toMatchObject([
      { message: { content: 'answer 1' }, finish_reason: 'stop' },
    ]);
  });

  it('for a Claude model are made in the dialect of Anthropic', async () => {
    const tool = {
      id: 'call_1',
      type: 'function',
      function: { name: 'find', arguments: '{"id":7}' },
    };
    const record = {
      model: 'gpt-4o',
      tools: [
        {
          type: 'function',
          function: { name: 'find', description: 'Finds.', parameters: { type: 'object' } },
        },
      ],
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Find 7.' },
        { role: 'assistant', content: null, tool_calls: [tool] },
        { role: 'tool', tool_call_id: 'call_1', name: 'find', content: 'found' },
        { role: 'user', content: 'And?' },
        { role: 'assistant', content: 'Done.' },
      ],
    };
    const [session] = await read([await write('tools', linesOf(record))], 'claude-sonnet-5');
    const [first, second] = session?.calls ?? [];
    const use = { type: 'tool_use', id: 'call_1', name: 'find', input: { id: 7 } };
    expect(first?.answer).toMatchObject({
      type: 'message',
      content: [use],
      stop_reason: 'tool_use',
    });
    expect(second?.request).toEqual({
      model: 'claude-sonnet-5',
      max_tokens: 4096,
      system: 'Be kind.',
      tools: [{ name: 'find', description: 'Finds.', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Find 7.' }] },
        { role: 'assistant', content: [use] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'call_1', content: 'found' },
            { type: 'text', text: 'And?' },
          ],
        },
      ],
    });
    expect(second?.dialect).toBe('anthropic-messages');
  });

  it('recorded in the dialect of Anthropic stay so, and change only their model', async () => {
    const record = {
      at_ms: 0,
      request: {
        model: 'claude-sonnet-4-5',
        max_tokens: 5,
        messages: [{ role: 'user', content: 'hi' }],
      },
      response: {
        type: 'message',
        role: 'assistant',
        content: [{ type: 'text', text: 'hi' }],
        stop_reason: 'end_turn',
        usage: { input_tokens: 1, output_tokens: 42 },
      },
    };
    const file = await write('messages', linesOf(record));
    const [session] = await read([file], 'claude-sonnet-5');
    expect(session?.calls[0]?.request).toEqual({ ...record.request, model: 'claude-sonnet-5' });
  });

  it('of a Claude model for another are made in the dialect of OpenAI, and back', async () => {
    const use = { type: 'tool_use', id: 't1', name: 'find', input: { id: 7 } };
    const request = {
      model: 'claude-sonnet-5',
      max_tokens: 5,
      system: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }],
      tools: [{ name: 'find', description: 'Finds.', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: 'Find 7.' },
        { role: 'assistant', content: [{ type: 'text', text: 'Well.' }, use] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', content: 'found' },
            { type: 'text', text: 'And?' },
          ],
        },
      ],
    };
    const response = {
      type: 'message',
      content: [use],
      stop_reason: 'tool_use',
      usage: { output_tokens: 42 },
    };
    const file = await write('to-openai', linesOf({ at_ms: 0, request, response }));
    const [session] = await read([file], 'gpt-4o');
    const [made] = session?.calls ?? [];
    const toolCall = {
      id: 't1',
      type: 'function',
      function: { name: 'find', arguments: '{"id":7}' },
    };
    expect(made?.request).toEqual({
      model: 'gpt-4o',
      max_completion_tokens: 5,
      tools: [
        {
          type: 'function',
          function: { name: 'find', description: 'Finds.', parameters: { type: 'object' } },
        },
      ],
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Find 7.' },
        { role: 'assistant', content: 'Well.', tool_calls: [toolCall] },
        { role: 'tool', tool_call_id: 't1', content: 'found' },
        { role: 'user', content: [{ type: 'text', text: 'And?' }] },
      ],
    });
    expect(made?.answer).toMatchObject({
      choices: [
        { message: { content: null, tool_calls: [toolCall] }, finish_reason: 'tool_calls' },
      ],
      usage: { completion_tokens: 42 },
    });
    expect(asModel(made!, 'claude-sonnet-5').answer).toMatchObject({
      content: [use],
      stop_reason: 'tool_use',
    });
  });
});
