import { beforeAll, describe, expect, it } from 'vitest';
import { inputTokens } from '../../exchange/usage.ts';
import { dialects } from '../../exchange/wire/index.ts';
import type { DialectName } from '../../exchange/dialect.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { prefixRules } from '../../ledger/prefix-rules.ts';
import { BillingBrain, type Bill } from './billing-brain.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';
import { wireUsage } from './wire-usage.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

const long = 'Policy: be kind and exact. '.repeat(300);
const answer = { output: 90, reasoning: 0 };

function provider(model: string): (dialect: DialectName, body: JsonObject, at?: number) => Bill {
  const brain = new BillingBrain({ tokenizer, rulesOf: prefixRules });
  const name = model.startsWith('claude') ? 'anthropic' : 'openai';
  return (dialect, body, at = 0) =>
    brain.bill({ provider: name, model, dialect, body, scope: 'us', at, answer });
}

const marked = (text: string, ttl?: string): JsonObject => ({
  type: 'text',
  text,
  cache_control: { type: 'ephemeral', ...(ttl !== undefined && { ttl }) },
});

describe('a messages request', () => {
  const ask = (content: JsonObject[], system: JsonObject[] = []): JsonObject => ({
    system,
    messages: [{ role: 'user', content }],
  });

  it('does not take the mark for content', () => {
    const bill = provider('claude-sonnet-5');
    bill('anthropic-messages', ask([marked(long), { type: 'text', text: 'one' }]));
    // The mark has moved on; the block before it is the same.
    const { usage } = bill(
      'anthropic-messages',
      ask([{ type: 'text', text: long }, marked('two')]),
      10_000,
    );
    expect(usage.cacheRead).toBeGreaterThan(1_024);
    expect(usage.cacheWrite5m).toBeLessThan(10);
  });

  it('understands times and the mark at the top', () => {
    const bill = provider('claude-sonnet-5');
    const first = bill(
      'anthropic-messages',
      ask([{ type: 'text', text: 'hi' }], [marked(long, '1h')]),
    );
    expect(first.usage.cacheWrite1h).toBeGreaterThan(1_024);
    const automatic = {
      cache_control: { type: 'ephemeral' },
      messages: [{ role: 'user', content: long }],
    };
    const { usage } = bill('anthropic-messages', automatic, 10_000);
    expect(usage.cacheWrite5m).toBeGreaterThan(1_024);
    const grown = {
      ...automatic,
      messages: [
        ...automatic.messages,
        { role: 'assistant', content: 'ok' },
        { role: 'user', content: 'go on' },
      ],
    };
    expect(bill('anthropic-messages', grown, 20_000).usage.cacheRead).toBe(usage.cacheWrite5m);
  });

  it('reads tools, then system, then messages', () => {
    const bill = provider('claude-sonnet-5');
    const tool = {
      name: 'find',
      description: long,
      input_schema: { type: 'object' },
      cache_control: { type: 'ephemeral' },
    };
    bill('anthropic-messages', {
      tools: [tool],
      system: 'a',
      messages: [{ role: 'user', content: 'x' }],
    });
    const { usage } = bill(
      'anthropic-messages',
      { messages: [{ role: 'user', content: 'y' }], system: 'b', tools: [tool] },
      10_000,
    );
    expect(usage.cacheRead).toBeGreaterThan(1_024);
  });
});

describe('a chat request', () => {
  const turn = (texts: readonly string[]): JsonObject => ({
    messages: texts.map((content, index) => ({
      role: index % 2 === 0 ? 'user' : 'assistant',
      content,
    })),
  });

  it('is cached without being asked, faster the second time', () => {
    const bill = provider('gpt-4o');
    const first = bill('openai-chat', turn([long]));
    const second = bill('openai-chat', turn([long, 'ok', 'more']), 10_000);
    expect(first.usage.cacheRead).toBe(0);
    expect(second.usage.cacheRead % 128).toBe(0);
    expect(second.usage.cacheRead).toBeGreaterThan(inputTokens(first.usage) - 128);
    expect(second.firstTokenMs).toBeLessThan(first.firstTokenMs);
    expect(second.totalMs - second.firstTokenMs).toBeCloseTo(1000);
  });

  it('is held for a day where it asks so', () => {
    const bill = provider('gpt-4o');
    const body = { ...turn([long]), prompt_cache_retention: '24h' };
    bill('openai-chat', body);
    expect(bill('openai-chat', body, 23 * 3_600_000).usage.cacheRead).toBeGreaterThan(1_024);
  });

  it('of GPT-5.6 pays for writing at the newest message, and at marks of its own', () => {
    const bill = provider('gpt-5.6-sol');
    const first = bill('openai-chat', turn([long]));
    expect(first.usage.cacheWrite5m).toBeGreaterThan(1_024);
    const second = bill('openai-chat', turn([long, 'ok', 'more']), 10_000);
    expect(second.usage.cacheRead).toBe(first.usage.cacheWrite5m);
    const other = [
      { type: 'text', text: `${long}.`, prompt_cache_breakpoint: { mode: 'explicit' } },
      { type: 'text', text: 'Q1' },
    ];
    const off = { prompt_cache_options: { mode: 'explicit' } };
    const third = bill(
      'openai-chat',
      { ...off, messages: [{ role: 'user', content: other }] },
      20_000,
    );
    expect(third.usage.fresh).toBeGreaterThan(0);
    const fourth = bill(
      'openai-chat',
      { ...off, messages: [{ role: 'user', content: [other[0]!, { type: 'text', text: 'Q2' }] }] },
      30_000,
    );
    expect(fourth.usage.cacheRead).toBe(third.usage.cacheWrite5m);
  });
});

it('writes usage so that the dialect reads it back', () => {
  const usage = {
    fresh: 11,
    cacheRead: 1_024,
    cacheWrite5m: 7,
    cacheWrite1h: 0,
    output: 5,
    reasoning: 0,
    audioInput: 0,
    audioOutput: 0,
    webSearches: 0,
  };
  for (const name of ['openai-chat', 'openai-responses', 'anthropic-messages'] as const) {
    const read = dialects[name].answerFacts({ usage: wireUsage(name, usage) });
    expect(read.usage).toEqual(usage);
  }
});
