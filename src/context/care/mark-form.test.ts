import { describe, expect, it } from 'vitest';
import type { DialectName } from '../../exchange/dialect.ts';
import { splice } from '../../kernel/splice.ts';
import type { RegionName } from '../layout.ts';
import { markForm } from './mark-form.ts';
import { formOf } from './normalise.ts';

function marked(
  dialect: DialectName,
  body: object,
  region: RegionName,
  item: number,
  isLong = false,
): unknown {
  const form = formOf(dialect, Buffer.from(JSON.stringify(body, undefined, 1)))!;
  const edits = markForm(dialect)!.mark(form, region, item, isLong);
  return edits && JSON.parse(splice(form.body, edits).toString('utf8'));
}

const user = { role: 'user', content: 'hi "you"\\' };
const cacheControl = { type: 'ephemeral' };
const breakpoint = { mode: 'explicit' };

describe('marks of Anthropic', () => {
  const mark = (body: object, region: RegionName, item = 0, isLong = false) =>
    marked('anthropic-messages', body, region, item, isLong);

  it('stand on the block that a text is short for', () => {
    expect(mark({ messages: [user] }, 'messages')).toEqual({
      messages: [
        {
          role: 'user',
          content: [{ type: 'text', text: user.content, cache_control: cacheControl }],
        },
      ],
    });
    expect(mark({ system: 'S', messages: [user] }, 'system', 0, true)).toMatchObject({
      system: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    });
  });

  it('stand on the last block of a message, on system blocks and on tools', () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'tool_result', tool_use_id: 't', content: 'b' },
    ];
    const body = {
      system: [{ type: 'text', text: 's' }],
      tools: [{ name: 'x' }],
      messages: [{ role: 'user', content }],
    };
    expect(mark(body, 'messages')).toMatchObject({
      messages: [{ content: [content[0], { ...content[1], cache_control: cacheControl }] }],
    });
    expect(mark(body, 'system')).toMatchObject({
      system: [{ type: 'text', text: 's', cache_control: cacheControl }],
    });
    expect(mark(body, 'tools')).toMatchObject({
      tools: [{ name: 'x', cache_control: cacheControl }],
    });
  });

  it.each([
    ['thinking', [{ type: 'thinking', thinking: 'x', signature: 's' }]],
    ['an empty text', [{ type: 'text', text: '' }]],
    ['an empty message', ''],
    ['no content', []],
    ['a block of an unknown kind', [{ type: 'hologram' }]],
    ['a block that is marked', [{ type: 'text', text: 'a', cache_control: cacheControl }]],
  ])('do not stand on %s', (_, content) => {
    expect(mark({ messages: [{ role: 'assistant', content }] }, 'messages')).toBeUndefined();
  });

  it('do not stand on a tool that is loaded later', () => {
    const body = { tools: [{ name: 'x', defer_loading: true }], messages: [user] };
    expect(mark(body, 'tools')).toBeUndefined();
  });
});

describe('marks of OpenAI', () => {
  it('stand on what goes in, in chat and in responses', () => {
    expect(marked('openai-chat', { messages: [user] }, 'messages', 0)).toEqual({
      messages: [
        {
          role: 'user',
          content: [{ type: 'text', text: user.content, prompt_cache_breakpoint: breakpoint }],
        },
      ],
    });
    expect(marked('openai-responses', { input: [user] }, 'messages', 0)).toEqual({
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: user.content, prompt_cache_breakpoint: breakpoint },
          ],
        },
      ],
    });
    const parts = [{ type: 'image_url', image_url: { url: 'data:' } }];
    expect(
      marked('openai-chat', { messages: [{ role: 'user', content: parts }] }, 'messages', 0),
    ).toMatchObject({ messages: [{ content: [{ prompt_cache_breakpoint: breakpoint }] }] });
  });

  it.each([
    ['what the model wrote', { role: 'assistant', content: 'x' }],
    ['a call of a tool', { type: 'function_call', name: 'x', arguments: '{}', call_id: 'c' }],
    ['no content', { role: 'user', content: null }],
  ])('do not stand on %s', (_, message) => {
    expect(marked('openai-chat', { messages: [message] }, 'messages', 0)).toBeUndefined();
  });
});
