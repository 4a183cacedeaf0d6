import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputTokens, noUsage, outputTokens, type Usage } from '../exchange/usage.ts';
import { costOf } from './cost.ts';
import { counterfactualOf } from './counterfactual.ts';
import { prefixRules } from './prefix-rules.ts';
import { createPriceBook } from './price-book.ts';

const minute = 60_000;
const usage = (classes: Partial<Usage>): Usage => ({ ...noUsage, ...classes });
const without = (provider: string, model: string, answerUsage: Usage, ageMs: number) =>
  counterfactualOf({
    answerUsage,
    usageSource: 'provider',
    rules: prefixRules(provider, model),
    ageMs,
  });

describe('the counterfactual of a reused answer', () => {
  const claude = usage({
    fresh: 10,
    cacheRead: 500,
    cacheWrite5m: 9000,
    cacheWrite1h: 2000,
    output: 7,
  });

  it('takes writes as reads while the provider would still have had them', () => {
    expect(without('anthropic', 'claude-sonnet-5-5', claude, minute)).toMatchObject({
      usage: { fresh: 10, cacheRead: 11_500, cacheWrite5m: 0, cacheWrite1h: 0, output: 7 },
      basis: 'estimated',
    });
  });

  it('heeds the two times to live', () => {
    expect(without('anthropic', 'claude-sonnet-5-5', claude, 6 * minute).usage).toMatchObject({
      cacheRead: 2500,
      cacheWrite5m: 9000,
      cacheWrite1h: 0,
    });
    expect(without('anthropic', 'claude-sonnet-5-5', claude, 61 * minute)).toMatchObject({
      usage: claude,
      basis: 'measured',
    });
  });

  it('takes automatic prefixes as read, down to their granularity', () => {
    const answer = usage({ fresh: 2006, output: 5 });
    expect(without('openai', 'gpt-4o', answer, minute).usage).toMatchObject({
      fresh: 86,
      cacheRead: 1920,
    });
    expect(without('openai', 'gpt-4o', answer, 11 * minute).basis).toBe('measured');
    const short = usage({ fresh: 1000 });
    expect(without('openai', 'gpt-4o', short, minute)).toMatchObject({
      usage: short,
      basis: 'measured',
    });
  });

  it('is measured where the model has no prompt cache', () => {
    const answer = usage({ fresh: 20_000 });
    expect(without('openai', 'gpt-4-turbo', answer, 0)).toMatchObject({
      usage: answer,
      basis: 'measured',
    });
  });

  it('is estimated where we counted or assumed a price, and of unknown cost without one', () => {
    const rules = prefixRules('openai', 'gpt-3.5-turbo');
    const reused = { answerUsage: usage({ fresh: 5 }), rules, ageMs: 0 };
    expect(counterfactualOf({ ...reused, usageSource: 'estimated' })).toMatchObject({
      basis: 'estimated',
      costNanos: undefined,
    });
    const price = createPriceBook().find({ provider: 'openai', model: 'gpt-5-pro', at: 0 });
    const answerUsage = usage({ cacheRead: 5 });
    expect(counterfactualOf({ ...reused, answerUsage, usageSource: 'provider', price }).basis).toBe(
      'estimated',
    );
  });

  it('never invents or loses tokens, and never claims more than the answer cost', () => {
    const price = createPriceBook().find({
      provider: 'openai',
      model: 'gpt-6.1-sol',
      at: Date.UTC(2026, 10),
    });
    const counts = fc.nat({ max: 300_000 });
    fc.assert(
      fc.property(
        fc.record({ fresh: counts, cacheRead: counts, cacheWrite5m: counts, output: counts }),
        fc.nat({ max: 3_600_000 }),
        fc.constantFrom(
          ['openai', 'gpt-4o'],
          ['openai', 'gpt-6.1-sol'],
          ['anthropic', 'claude-opus-5'],
        ),
        (classes, ageMs, [provider, model]) => {
          const answer = usage(classes);
          const result = without(provider, model, answer, ageMs).usage;
          expect(inputTokens(result)).toBe(inputTokens(answer));
          expect(outputTokens(result)).toBe(outputTokens(answer));
          expect(costOf(result, price!)).toBeLessThanOrEqual(costOf(answer, price!));
        },
      ),
    );
  });
});

describe('prefix rules', () => {
  it.each([
    ['anthropic', 'claude-opus-4-6-20260101', 'explicit', 4096],
    ['anthropic', 'claude-sonnet-5-5', 'explicit', 1024],
    ['anthropic', 'claude-opus-5-5', 'explicit', 512],
    ['openrouter', 'anthropic/claude-opus-4.5', 'explicit', 4096],
    ['openai', 'gpt-4o-mini', 'automatic', 1024],
    ['openai', 'gpt-4.1', 'automatic', 1024],
    ['openai', 'o3', 'automatic', 1024],
    ['openai', 'gpt-4-turbo', 'none', 0],
    ['openai', 'text-embedding-3-small', 'none', 0],
    ['google', 'gemini-2.5-pro', 'automatic', 4096],
    ['nobody', 'nothing', 'none', 0],
  ])('%s %s: %s from %d tokens', (provider, model, mode, minTokens) => {
    expect(prefixRules(provider, model)).toMatchObject({ mode, minTokens });
  });

  it('charges writes from GPT-5.6 on', () => {
    const charged = (model: string) => prefixRules('openai', model).writeCharged;
    expect(['gpt-5', 'gpt-5.5', 'gpt-4o'].map(charged)).toEqual([false, false, false]);
    expect(['gpt-5.6-sol', 'gpt-6-luna', 'gpt-6.1-sol'].map(charged)).toEqual([true, true, true]);
  });
});
