import { describe, expect, it } from 'vitest';
import { newCall, type Call } from '../../exchange/call.ts';
import { dialects } from '../../exchange/wire/index.ts';
import { defaultCachePolicy, isLastingRefusal } from '../policy.ts';
import { beginningOf, ConversationAnswers } from './conversation-answers.ts';
import { PolicyBook } from './policy-book.ts';
import type { PolicyRule } from './policy-rule.ts';
import { RefreshWorth } from './refresh-worth.ts';

function callOf(changes: { agent?: string; model?: string; path?: string } = {}): Call {
  const { agent, model = 'gpt-5', path = '/chat/completions' } = changes;
  const dialect = dialects['openai-chat'];
  const body = { model, messages: [] };
  return newCall({
    id: 'c',
    provider: { name: 'openai', priceId: 'openai', asksStreamUsage: true },
    dialect,
    method: 'POST',
    path,
    headers: [],
    body: undefined,
    facts: dialect.requestFacts(body),
    startedAt: 0,
    startedTick: 0,
    caller: { tenant: 't', agent, session: undefined, tags: [] },
  });
}

function bookOf(rules: readonly PolicyRule[]): PolicyBook {
  const policies = ['usual', 'a', 'b'].map((name) =>
    Object.assign({}, defaultCachePolicy, { name }),
  );
  return new PolicyBook({ policies, rules, usual: 'usual' });
}

describe('a book of policies', () => {
  it('takes the first rule that fits, and the usual policy where none does', () => {
    const book = bookOf([
      { policy: 'a', agent: ['x*'], model: ['gpt-*', 'o*'] },
      { policy: 'b', agent: ['*'] },
    ]);
    expect(book.choose(callOf({ agent: 'x1' })).name).toBe('a');
    expect(book.choose(callOf({ agent: 'x1', model: 'claude' })).name).toBe('b');
    expect(book.choose(callOf()).name).toBe('usual');
  });

  it('takes patterns literally but for the asterisk', () => {
    const book = bookOf([{ policy: 'a', model: ['gpt-4.1(x)*'] }]);
    expect(book.choose(callOf({ model: 'gpt-4.1(x)-mini\nline' })).name).toBe('a');
    expect(book.choose(callOf({ model: 'gpt-401(x)' })).name).toBe('usual');
  });

  it('is not confused by names that look like parts of others', () => {
    const book = bookOf([{ policy: 'a', agent: ['1:m'], model: ['m'] }]);
    expect(book.choose(callOf({ agent: '1:m', model: 'm' })).name).toBe('a');
    expect(book.choose(callOf({ agent: '1', model: 'm1:m' })).name).toBe('usual');
    expect(book.choose(callOf({ agent: '1:m', model: 'm' })).name).toBe('a');
  });

  it('passes over /v1 and the query in routes', () => {
    const book = bookOf([{ policy: 'a', route: ['/v1/messages'] }]);
    expect(book.choose(callOf({ path: '/v1/messages?beta=true' })).name).toBe('a');
    expect(book.choose(callOf({ path: '/messages' })).name).toBe('a');
    expect(book.choose(callOf({ path: '/messages/count_tokens' })).name).toBe('usual');
  });

  it('knows no policy that it was not given', () => {
    expect(() => bookOf([{ policy: 'c' }])).toThrow('no cache policy "c"');
  });
});

describe('the worth of a refresh', () => {
  const policy = { ...defaultCachePolicy, ttlMs: 10_000, staleWhileRevalidateMs: 10_000 };

  it('follows the rate of the hits so far', () => {
    const worth = new RefreshWorth();
    expect(worth.chance('k', policy, 20_000)).toBe(0);
    worth.hit('k', 0);
    expect(worth.chance('k', policy, 20_000)).toBeCloseTo(1 - Math.exp(-1));
    worth.hit('k', 0);
    expect(worth.chance('k', policy, 20_000)).toBeCloseTo(1 - Math.exp(-2));
    expect(worth.chance('k', policy, 200_000)).toBeCloseTo(1 - Math.exp(-0.2));
  });

  it('begins anew with a new answer', () => {
    const worth = new RefreshWorth();
    for (let hits = 0; hits < 9; hits++) worth.hit('k', 0);
    worth.hit('k', 15_000);
    expect(worth.chance('k', policy, 35_000)).toBeCloseTo(1 - Math.exp(-1));
  });
});

describe('the answers of a conversation', () => {
  it('are those to its latest calls', () => {
    const answers = new ConversationAnswers();
    expect(answers.kept('c', 'k1', 2)).toEqual([]);
    expect(answers.kept('c', 'k2', 2)).toEqual([]);
    expect(answers.kept('c', 'k1', 2)).toEqual([]);
    expect(answers.kept('c', 'k3', 2)).toEqual(['k2']);
    expect(answers.kept('other', 'k4', 2)).toEqual([]);
  });

  it('belong together where they begin alike, up to what the user said first', () => {
    const dialect = dialects['openai-chat'];
    const body = (...contents: string[]) =>
      Buffer.from(
        JSON.stringify({
          messages: contents.map((content, at) => ({
            role: at === 0 ? 'system' : 'user',
            content,
          })),
        }),
      );
    const name = beginningOf(dialect, body('be kind', 'hello'));
    expect(beginningOf(dialect, body('be kind', 'hello', 'more'))).toBe(name);
    expect(beginningOf(dialect, body('be kind', 'hallo'))).not.toBe(name);
    expect(beginningOf(dialect, Buffer.from('{}'))).toBeUndefined();
  });
});

describe('a refusal', () => {
  const policy = { ...defaultCachePolicy, negativeTtlMs: 1000 };
  it.each<[number, string, boolean]>([
    [400, 'max_tokens is too large', true],
    [404, 'no such model', true],
    [413, 'too large', true],
    [422, 'unprocessable', true],
    [401, 'no', false],
    [403, 'no', false],
    [429, 'no', false],
    [500, 'no', false],
    [400, 'You exceeded your current quota', false],
    [400, 'billing_hard_limit_reached', false],
    [404, 'Your API key has no access to this model', false],
  ])('%d %s may come again: %s', (status, text, lasts) => {
    expect(isLastingRefusal(status, text, policy)).toBe(lasts);
    expect(isLastingRefusal(status, text, defaultCachePolicy)).toBe(false);
  });
});
