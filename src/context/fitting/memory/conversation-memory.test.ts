import { describe, expect, it } from 'vitest';
import { bodySpans } from '../../../kernel/json-spans.ts';
import { openAiChatTurns } from '../turns/openai-chat.ts';
import { ConversationMemory } from './conversation-memory.ts';
import { Conversation, itemSpans } from './conversation.ts';
import { readOn } from './read-on.ts';

const bodyOf = (name: string, messages: number): Buffer =>
  Buffer.from(
    JSON.stringify({
      model: 'model',
      messages: Array.from({ length: messages }, (_, index) => ({
        role: index % 2 === 0 ? 'user' : 'assistant',
        content: `${name} ${index} ${'and so on '.repeat(100)}`,
      })),
    }),
  );

function remember(memory: ConversationMemory, name: string, at = 0): Conversation {
  const body = bodyOf(name, 8);
  const conversation = new Conversation('bucket', 'agent', openAiChatTurns);
  const spans = bodySpans(body);
  const items = itemSpans(spans, 'messages')!;
  readOn(conversation, body, items, openAiChatTurns, []);
  conversation.lastAt = at;
  conversation.keep(body, spans, items.at(-1)!.end);
  memory.keep(conversation);
  return conversation;
}

describe('the memory of conversations', () => {
  const limits = { rememberMs: 1_800_000, maxBytes: 200_000 };
  const forgetful = () => {
    const forgotten: Conversation[] = [];
    return { forgotten, memory: new ConversationMemory(limits, (each) => forgotten.push(each)) };
  };

  it('finds a conversation that goes on, and no other', () => {
    const { memory } = forgetful();
    const one = remember(memory, 'one');
    const two = remember(memory, 'two');
    expect(memory.continuedBy('bucket', bodyOf('one', 10))).toBe(one);
    expect(memory.continuedBy('bucket', bodyOf('two', 8))).toBe(two);
    expect(memory.continuedBy('bucket', bodyOf('two', 7))).toBeUndefined();
    expect(memory.continuedBy('bucket', bodyOf('three', 10))).toBeUndefined();
    expect(memory.continuedBy('other', bodyOf('one', 10))).toBeUndefined();
    expect(memory.nearest('bucket', bodyOf('two', 7))?.conversation).toBe(two);
  });

  it('stays within its bytes, and compresses before it forgets', () => {
    const { memory, forgotten } = forgetful();
    const first = remember(memory, 'first');
    for (let index = 0; index < 20; index++) remember(memory, `next ${index}`);
    expect(first.isPacked).toBe(true);
    expect(memory.continuedBy('bucket', bodyOf('first', 10))).toBe(first);
    expect(first.spansOf(bodyOf('first', 10)).members).toHaveLength(2);
    for (let index = 0; index < 300; index++) {
      remember(memory, `more ${index}`);
      expect(memory.bytes).toBeLessThanOrEqual(limits.maxBytes);
    }
    expect(forgotten).toContain(first);
    expect(memory.count + forgotten.length).toBe(321);
  });

  it('does not give itself up for one that is too large', () => {
    const forgotten: Conversation[] = [];
    const small = new ConversationMemory({ ...limits, maxBytes: 30_000 }, (each) =>
      forgotten.push(each),
    );
    const large = remember(small, 'large');
    expect(forgotten).toEqual([large]);
    expect([small.count, small.bytes]).toEqual([0, 0]);
  });

  it('forgets after its time', () => {
    const { memory, forgotten } = forgetful();
    const old = remember(memory, 'old', 0);
    const young = remember(memory, 'young', 1_000_000);
    memory.expire(1_799_999);
    expect(forgotten).toEqual([]);
    memory.expire(1_800_000);
    expect(forgotten).toEqual([old]);
    expect(memory.continuedBy('bucket', bodyOf('young', 10))).toBe(young);
    expect(memory.continuedBy('bucket', bodyOf('old', 10))).toBeUndefined();
  });
});
