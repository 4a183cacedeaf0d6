import { describe, expect, it } from 'vitest';
import { readCall } from '../../test/budget/read-call.ts';
import type { DialectName } from '../exchange/dialect.ts';
import type { JsonObject } from '../kernel/json.ts';
import { capped } from './output-cap.ts';

/** The body with the cap, as text. */
function cap(dialect: DialectName, text: string, tokens: number, provider = 'openai'): string {
  const body = JSON.parse(text) as JsonObject;
  const call = readCall(dialect, body, { provider, bytes: Buffer.from(text) });
  return (capped(call, tokens).body as Buffer).toString('utf8');
}

const messages = '"messages":[{"role":"user","content":"max_tokens: 5"}]';

describe('a cap in a body', () => {
  it.each<[string, string, DialectName, string]>([
    ['openai', 'gpt-4o', 'openai-chat', 'max_completion_tokens'],
    ['openai', 'o3', 'openai-chat', 'max_completion_tokens'],
    ['azure', 'gpt-5', 'openai-chat', 'max_completion_tokens'],
    ['azure', 'gpt-4o', 'openai-chat', 'max_tokens'],
    ['groq', 'llama-4', 'openai-chat', 'max_tokens'],
    ['mistral', 'mistral-large', 'openai-chat', 'max_tokens'],
    ['anthropic', 'claude-opus-5', 'anthropic-messages', 'max_tokens'],
  ])('gets the name that %s knows for %s', (provider, model, dialect, name) => {
    const rest = `"model":"${model}", ${messages} }`;
    expect(cap(dialect, `{ ${rest}`, 64, provider)).toBe(`{"${name}":64, ${rest}`);
  });

  it('has a name of its own in responses and completions', () => {
    const input = '"model":"gpt-5","input":"x"}';
    expect(cap('openai-responses', `{${input}`, 64)).toBe(`{"max_output_tokens":64,${input}`);
    const prompt = '"model":"m","prompt":"x"}';
    expect(cap('openai-completions', `{${prompt}`, 64)).toBe(`{"max_tokens":64,${prompt}`);
  });

  it('replaces a larger one where it stands, under the name that the caller chose', () => {
    const body = (n: number): string => `{"model":"o3" ,"max_tokens" : ${n} ,${messages}}`;
    expect(cap('openai-chat', body(1000), 64)).toBe(body(64));
    expect(cap('openai-chat', body(-1), 64)).toBe(body(64));
    // Who is no OpenAI may take 0 for no limit, and a text for its number.
    expect(cap('openai-chat', body(0), 64, 'groq')).toBe(body(64));
    expect(cap('openai-chat', body(1000).replace('1000', '"1000"'), 64)).toBe(body(64));
  });

  it('leaves a smaller one, and what is no number, as they are', () => {
    for (const value of ['64', '10', '0', '"50"', '"many"', 'true', '[1]']) {
      const body = `{"model":"m","max_tokens":${value},${messages}}`;
      expect(cap('openai-chat', body, 64)).toBe(body);
    }
  });

  it('lowers each of two, and does not give a null the word', () => {
    const both = (a: string, b: string): string =>
      `{"max_tokens":${a},"max_completion_tokens":${b},"model":"m",${messages}}`;
    expect(cap('openai-chat', both('100', '200'), 64)).toBe(both('64', '64'));
    expect(cap('openai-chat', both('50', '200'), 64)).toBe(both('50', '64'));
    expect(cap('openai-chat', both('50', 'null'), 64)).toBe(both('50', 'null'));
    expect(cap('openai-chat', both('null', 'null'), 64)).toBe(both('64', 'null'));
  });

  it('is found under an escaped name', () => {
    const body = (n: number): string => `{"model":"m","max\\u005ftokens":${n},${messages}}`;
    expect(cap('openai-chat', body(1000), 64, 'groq')).toBe(body(64));
  });

  it('is refused where thinking would no longer fit', () => {
    const thinking = '"thinking":{"type":"enabled","budget_tokens":2048}';
    const body = `{"model":"c","max_tokens":4000,${thinking},${messages}}`;
    expect(() => cap('anthropic-messages', body, 2048)).toThrow(/at least 2049/);
    expect(cap('anthropic-messages', body, 2049)).toContain('"max_tokens":2049');
    expect(cap('anthropic-messages', body, 9000)).toBe(body);
  });

  it('is not sent beside a prediction, nor where there is no output', () => {
    const predicted = `{"model":"m","prediction":{"type":"content","content":"x"},${messages}}`;
    expect(cap('openai-chat', predicted, 64)).toBe(predicted);
    const embedding = '{"model":"m","input":"x"}';
    expect(cap('openai-embeddings', embedding, 64)).toBe(embedding);
  });
});
