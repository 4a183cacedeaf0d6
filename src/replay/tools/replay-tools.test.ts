import { describe, expect, it } from 'vitest';
import { soundsReading } from './reading-names.ts';
import { readToolSession, type RecordedToolCall } from './recorded-tools.ts';
import { replayTools, type ToolReplayOptions } from './replay-tools.ts';

const call = (name: string, given: object, result = 'r', more: Partial<RecordedToolCall> = {}) => ({
  name,
  arguments: given as never,
  result,
  failed: false,
  tookMs: undefined,
  ...more,
});

const usual: ToolReplayOptions = {
  isReading: (name) => name.startsWith('get'),
  scope: 'tenant',
  invalidates: 'all',
  ttlMs: 600_000,
  gapMs: 2000,
};

describe('a replay of tools', () => {
  it('serves what was asked before, counts what it saved, and never serves writes', async () => {
    const sessions = [
      { user: 'a', calls: [call('get', { x: 1, y: 2 }), call('put', {}), call('put', {})] },
      {
        user: 'b',
        calls: [call('get', { x: 1 }, 'rr'), call('get', { x: 1 }, 'rr', { tookMs: 70 })],
      },
    ];
    expect(await replayTools(sessions, usual)).toMatchObject({
      calls: 5,
      reading: 3,
      repeated: 1,
      served: 1,
      servedBytes: 2,
      servedMs: 70,
      timed: 1,
      changed: 0,
    });
  });

  it('parts users, ends results with their time and with writes, and keeps no failure', async () => {
    const twice = (between: readonly ReturnType<typeof call>[], other = 'a') => [
      { user: 'a', calls: [call('get', {}), ...between] },
      { user: other, calls: [call('get', {})] },
    ];
    const served = async (
      sessions: ReturnType<typeof twice>,
      more: Partial<ToolReplayOptions> = {},
    ) => (await replayTools(sessions, { ...usual, ...more })).served;
    expect(await served(twice([]))).toBe(1);
    expect(await served(twice([], 'b'))).toBe(1);
    expect(await served(twice([], 'b'), { scope: 'user' })).toBe(0);
    expect(await served(twice([call('put', {})]))).toBe(0);
    expect(await served(twice([]), { gapMs: 600_000 })).toBe(0);
    const failed = call('get', {}, 'Error: no', { failed: true });
    expect(await served([{ user: 'a', calls: [failed, failed] }])).toBe(0);
  });

  it('counts what it would have served wrongly', async () => {
    const calls = [call('get', {}, 'one'), call('get', {}, 'two')];
    expect(await replayTools([{ user: 'a', calls }], usual)).toMatchObject({
      served: 1,
      changed: 1,
    });
  });
});

describe('recorded calls of tools', () => {
  const read = (record: object) =>
    readToolSession({ file: 'f', number: 3, text: JSON.stringify(record) });

  it('are read in the forms of OpenAI and Anthropic', () => {
    const openai = [
      {
        role: 'assistant',
        at_ms: 5,
        tool_calls: [
          { id: '1', type: 'function', function: { name: 'get', arguments: '{"a":1}' } },
          { id: '2', type: 'function', function: { name: 'get', arguments: 'no json' } },
        ],
      },
      { role: 'tool', tool_call_id: '2', content: 'Error: no json' },
      { role: 'tool', tool_call_id: '1', content: 'yes', at_ms: 25 },
      { role: 'tool', tool_call_id: '9', content: 'nobody asked' },
    ];
    expect(read({ session: 's', messages: openai })).toEqual({
      user: 's',
      calls: [
        call('get', 'no json' as never, 'Error: no json', { failed: true }),
        call('get', { a: 1 }, 'yes', { tookMs: 20 }),
      ],
    });
    const anthropic = [
      { role: 'assistant', content: [{ type: 'tool_use', id: 'x', name: 'get', input: { a: 1 } }] },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'x', content: 'bad', is_error: true }],
      },
    ];
    expect(read({ request: { messages: anthropic } })).toEqual({
      user: 'line 3',
      calls: [call('get', { a: 1 }, 'bad', { failed: true })],
    });
  });

  it('need messages', () => {
    expect(() => read({ session: 's' })).toThrow('"messages"');
    expect(() => readToolSession({ file: 'f', number: 1, text: '[' })).toThrow('JSON object');
  });

  it('are taken to read by the first word of their name', () => {
    const names = [
      'get_user',
      'searchFlights',
      'mcp__x',
      'list',
      'ListTools',
      'getaway',
      'write_x',
      '',
    ];
    expect(names.filter(soundsReading)).toEqual(['get_user', 'searchFlights', 'list', 'ListTools']);
  });
});
