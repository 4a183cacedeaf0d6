import { describe, expect, it } from 'vitest';
import type { DialectName } from '../../exchange/dialect.ts';
import { formOf } from './normalise.ts';
import { soundnessOf, type Soundness } from './soundness.ts';

const user = { role: 'user', content: 'x' };
const use = (id: string) => ({
  role: 'assistant',
  content: [{ type: 'tool_use', id, name: 'f', input: {} }],
});
const result = (id: string) => ({
  role: 'user',
  content: [{ type: 'tool_result', tool_use_id: id, content: [] }],
});

function look(dialect: DialectName, messages: unknown[], before?: Soundness): Soundness {
  const name = dialect === 'openai-responses' ? 'input' : 'messages';
  const form = formOf(dialect, Buffer.from(JSON.stringify({ [name]: messages })))!;
  return soundnessOf(dialect, form, before);
}

describe('a history', () => {
  it.each([
    ['orphan-result', [user, result('a')]],
    ['duplicate-id', [user, use('a'), use('a')]],
    ['orphan-result', [user, use('a'), result('a'), result('a')]],
    [undefined, [user, use('a'), result('a'), use('a'), result('a')]],
    ['empty-content', [{ role: 'user', content: '' }]],
    ['empty-content', [{ role: 'user', content: [] }]],
    ['unknown-block', [{ role: 'user', content: [{ type: 'hologram' }] }]],
    ['not-a-message', ['text']],
    [undefined, [user, use('a'), result('a'), use('b'), result('b')]],
    [undefined, [{ role: 'user', content: [{ type: 'image', source: {} }] }]],
  ])('of Anthropic is %s', (fault, messages) => {
    expect(look('anthropic-messages', messages).fault).toBe(fault);
  });

  it.each([
    ['orphan-result', [user, { role: 'tool', tool_call_id: 'a', content: 'x' }]],
    [
      undefined,
      [
        user,
        { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function' }] },
        { role: 'tool', tool_call_id: 'a', content: '' },
      ],
    ],
    ['empty-content', [{ role: 'assistant', content: null }]],
    [undefined, [{ role: 'assistant', content: null, refusal: 'no' }]],
  ])('of OpenAI chat is %s', (fault, messages) => {
    expect(look('openai-chat', messages).fault).toBe(fault);
  });

  it('of OpenAI responses is looked at too', () => {
    const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' };
    const output = { type: 'function_call_output', call_id: 'c', output: 'x' };
    expect(look('openai-responses', [user, { type: 'reasoning' }, call, output]).fault).toBe(
      undefined,
    );
    expect(look('openai-responses', [user, output]).fault).toBe('orphan-result');
  });

  it('goes on from what was looked at before', () => {
    const first = look('anthropic-messages', [user, use('a')]);
    expect(first.count).toBe(2);
    expect(look('anthropic-messages', [user, use('a'), result('a')], first)).toMatchObject({
      count: 3,
      fault: undefined,
    });
  });
});
