import { describe, expect, it } from 'vitest';
import { readCall } from '../../test/budget/read-call.ts';
import { billedAtMost, type Broken } from './billed.ts';

const broken: Broken = {
  bound: {
    kind: 'bounded',
    fixed: 1000,
    picoPerOutputToken: 10_000,
    outputCap: 5000,
    capSetBy: 'caller',
  },
  hold: 51_000,
  outputAtMost: 100,
  isTold: false,
};
const chat = (model: string, more = {}, provider = 'openai') =>
  readCall('openai-chat', { model, messages: [], ...more }, { provider });
const claude = (more = {}) =>
  readCall('anthropic-messages', {
    model: 'claude-opus-5-5',
    max_tokens: 5000,
    messages: [],
    ...more,
  });

describe('what was billed of an answer that broke off', () => {
  it('is the input and what was seen, with a little that was under way', () => {
    expect(billedAtMost(chat('gpt-4o'), broken)).toBe(1000 + 10 * (100 + 128));
    expect(billedAtMost(claude(), broken)).toBe(1000 + 10 * 228);
  });

  it('is never nothing, and never more than is held', () => {
    expect(billedAtMost(chat('gpt-4o'), { ...broken, outputAtMost: 0 })).toBeGreaterThan(1000);
    expect(billedAtMost(chat('gpt-4o'), { ...broken, outputAtMost: 1e6 })).toBe(broken.hold);
  });

  it.each([
    ['reasons unseen', chat('o3')],
    ['reasons unseen', chat('gpt-5.2')],
    ['is unknown', chat('somebody-1')],
    ['was asked to think', claude({ thinking: { type: 'adaptive' } })],
    ['writes on without a reader', chat('gpt-4o', {}, 'aws')],
  ])('is the whole hold where the model %s', (_why, call) => {
    expect(billedAtMost(call, broken)).toBe(broken.hold);
  });

  it('is the whole hold where nothing was counted', () => {
    expect(billedAtMost(chat('gpt-4o'), { ...broken, outputAtMost: undefined })).toBe(broken.hold);
  });

  it('is what the provider told, thoughts included', () => {
    expect(billedAtMost(chat('o3'), { ...broken, isTold: true })).toBe(1000 + 10 * 228);
  });
});
