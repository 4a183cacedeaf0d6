import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../kernel/json.ts';
import { extendSteps, noSteps } from './tool-steps.ts';

const chat: readonly JsonValue[] = [
  { role: 'user', content: 'hi' },
  {
    role: 'assistant',
    tool_calls: [
      { id: '1', type: 'function', function: { name: 'look', arguments: '{"a": 1, "b": 2}' } },
    ],
  },
  { role: 'tool', tool_call_id: '1', content: 'seen' },
  {
    role: 'assistant',
    tool_calls: [
      { id: '2', type: 'function', function: { name: 'look', arguments: '{"b":2,"a":1}' } },
    ],
  },
  { role: 'tool', tool_call_id: '2', content: [{ type: 'text', text: 'seen' }] },
];

const anthropic: readonly JsonValue[] = [
  {
    role: 'assistant',
    content: [{ type: 'tool_use', id: '1', name: 'look', input: { b: 2, a: 1 } }],
  },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', content: 'seen' }] },
];

const responses: readonly JsonValue[] = [
  { type: 'function_call', call_id: '1', name: 'look', arguments: '{"a":1,"b":2}' },
  { type: 'function_call_output', call_id: '1', output: 'seen' },
];

describe('tool steps', () => {
  test('the same call in another spelling, and in another dialect, is the same', () => {
    const [first, second] = extendSteps(noSteps, 'openai-chat', chat);
    expect(first!.call).toBe(second!.call);
    expect(first!.result).not.toBe(second!.result);
    const others = [
      ...extendSteps(noSteps, 'anthropic-messages', anthropic),
      ...extendSteps(noSteps, 'openai-responses', responses),
    ];
    for (const other of others) {
      expect([other.call, other.result]).toEqual([first!.call, first!.result]);
    }
  });

  test('turn by turn they are what they are at once', () => {
    let steps = noSteps;
    for (const item of chat) steps = extendSteps(steps, 'openai-chat', [item]);
    expect(steps).toEqual(extendSteps(noSteps, 'openai-chat', chat));
  });

  test('what two conversations share is not changed by either', () => {
    const shared = extendSteps(noSteps, 'openai-chat', chat.slice(0, 2));
    extendSteps(shared, 'openai-chat', [{ role: 'tool', tool_call_id: '1', content: 'a' }]);
    expect(shared[0]!.result).toBeUndefined();
  });

  test('the same call twice in one message is one step', () => {
    const call = (id: string) => ({ id, function: { name: 'look', arguments: '{}' } });
    const message = { role: 'assistant', tool_calls: [call('1'), call('2')] };
    expect(extendSteps(noSteps, 'openai-chat', [message])).toHaveLength(1);
  });

  test('only the last steps are kept, however long the history', () => {
    const long = Array.from({ length: 500 }, (_, index) => ({
      role: 'assistant',
      tool_calls: [{ id: `${index}`, function: { name: `tool-${index}`, arguments: '{}' } }],
    }));
    const steps = extendSteps(noSteps, 'openai-chat', long);
    expect([steps.length, steps.at(-1)!.tool]).toEqual([48, 'tool-499']);
  });

  test('nothing that a client may send is a fault', () => {
    const odd: readonly JsonValue[] = [
      null,
      7,
      'text',
      [],
      {},
      { role: 'assistant', tool_calls: 'x' },
      { role: 'assistant', tool_calls: [null, {}, { id: 1, function: 7 }, { function: {} }] },
      { role: 'tool' },
      { role: 'tool', tool_call_id: {} },
      { type: 'function_call' },
      { type: 'function_call_output', output: null },
      { role: 'user', content: [null, { type: 'tool_use' }, { type: 'tool_result' }] },
    ];
    for (const dialect of [
      'openai-chat',
      'openai-responses',
      'anthropic-messages',
      'openai-embeddings',
    ] as const) {
      expect(() => extendSteps(noSteps, dialect, odd)).not.toThrow();
    }
  });
});
