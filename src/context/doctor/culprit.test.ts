import { describe, expect, it } from 'vitest';
import { formOf } from '../care/normalise.ts';
import { comparePrompts } from '../compare.ts';
import { culpritOf } from './culprit.ts';

const tool = (name: string, more: object = {}) => ({
  name,
  input_schema: { type: 'object' },
  ...more,
});
const base = {
  system: 'You help.\nToday is fine.\nBe kind.',
  tools: [tool('a'), tool('b')],
  messages: [
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
  ],
};

function between(before: object, after: object, indent?: number) {
  const one = formOf('anthropic-messages', Buffer.from(JSON.stringify(before)))!;
  const other = formOf(
    'anthropic-messages',
    Buffer.from(JSON.stringify(after, undefined, indent)),
  )!;
  return culpritOf(one, other, comparePrompts(one, other));
}

describe('the culprit', () => {
  it.each([
    [
      'timestamp-in-system',
      { system: 'At 10:41\nYou.' },
      { system: 'At 10:42\nYou.' },
      'system[0], line 1',
    ],
    [
      'timestamp-in-system',
      { system: 'You.\nDate: Wednesday, November 25, 2026' },
      { system: 'You.\nDate: Thursday, November 26, 2026' },
      'system[0], line 2',
    ],
    [
      'timestamp-in-system',
      { system: 'now=1764064800' },
      { system: 'now=1764064861' },
      'system[0], line 1',
    ],
    [
      'id-in-system',
      { system: 'Request 7f3c9a7e-1d2b-4c5d-8e9f-000000000001' },
      { system: 'Request 8a11bc90-1d2b-4c5d-8e9f-000000000002' },
      'system[0], line 1',
    ],
    ['system-edited', {}, { system: 'You rule.' }, 'system[0], line 1'],
    ['tools-reordered', {}, { tools: [tool('b'), tool('a')] }, 'tools[0] b'],
    [
      'tools-reserialised',
      {},
      { tools: [{ input_schema: { type: 'object' }, name: 'a' }, tool('b')] },
      'tools[0] a',
    ],
    ['tool-set-changed', {}, { tools: [tool('a')] }, 'tools[1]'],
    ['tool-set-changed', {}, { tools: [tool('a'), tool('c')] }, 'tools[1] c'],
    ['tool-set-changed', {}, { tools: [tool('a', { description: 'x' }), tool('b')] }, 'tools[0] a'],
    ['history-edited', {}, { messages: [{ role: 'user', content: 'uno' }] }, 'messages[0]'],
    [
      'history-reserialised',
      {},
      { messages: [{ content: 'one', role: 'user' }, ...base.messages.slice(1)] },
      'messages[0]',
    ],
  ])('is %s', (cause, before, after, place) => {
    expect(between({ ...base, ...before }, { ...base, ...after })).toMatchObject({ cause, place });
  });

  it('is nobody where only white space differs, or the conversation went on', () => {
    expect(between(base, base, 2)).toBeUndefined();
    const longer = [...base.messages, { role: 'user', content: 'three' }];
    expect(between(base, { ...base, messages: longer })).toBeUndefined();
  });

  it('is nobody where a text is written as the block that it is short for', () => {
    const messages = base.messages.map(({ role, content }) => ({
      role,
      content: [{ type: 'text', text: content }],
    }));
    expect(between(base, { ...base, messages })).toBeUndefined();
  });

  it('is found in a system message too', () => {
    const body = (time: string) => ({
      messages: [
        { role: 'system', content: `Hi.\nNow: ${time}` },
        { role: 'user', content: 'x' },
      ],
    });
    const form = (time: string) => formOf('openai-chat', Buffer.from(JSON.stringify(body(time))))!;
    const [one, other] = [form('10:00:01'), form('10:00:09')];
    expect(culpritOf(one, other, comparePrompts(one, other))).toEqual({
      cause: 'timestamp-in-system',
      place: 'messages[0], line 2',
      example: '"Now: 10:00:01" -> "Now: 10:00:09"',
    });
  });
});
