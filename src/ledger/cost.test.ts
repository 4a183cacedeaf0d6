import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noUsage, type Usage } from '../exchange/usage.ts';
import { costOf, restsOnAssumption } from './cost.ts';
import { createPriceBook } from './price-book.ts';

const at = Date.UTC(2026, 10, 20);
const book = createPriceBook();
const priceOf = (provider: string, model: string) => {
  const price = book.find({ provider, model, at });
  if (price === undefined) throw new Error(`no price for ${model}`);
  return price;
};
const cost = (provider: string, model: string, usage: Partial<Usage>): number =>
  costOf({ ...noUsage, ...usage }, priceOf(provider, model));

describe('the cost of a call', () => {
  it.each([
    [
      'Sonnet 3.7, written',
      'anthropic',
      'claude-3-7-sonnet-latest',
      { fresh: 3, cacheWrite5m: 12_304, output: 550 },
      54_399_000,
    ],
    [
      'Opus 4.7, written',
      'anthropic',
      'claude-opus-4-7',
      { fresh: 6, cacheWrite5m: 159_217, output: 2745 },
      1_063_761_250,
    ],
    [
      'Sonnet 5.5, read and written for an hour',
      'anthropic',
      'claude-sonnet-5-5',
      { fresh: 10, cacheRead: 50_000, cacheWrite1h: 1000, output: 100 },
      10_020_000,
    ],
    ['Sonnet 4.5 past 200k', 'anthropic', 'claude-sonnet-4-5', { fresh: 300_000 }, 1_800_000_000],
    [
      'GPT-4o, half of it cached',
      'openai',
      'gpt-4o',
      { fresh: 1000, cacheRead: 1024, output: 100 },
      4_780_000,
    ],
    [
      'GPT-5 with reasoning',
      'openai',
      'gpt-5',
      { fresh: 1000, output: 100, reasoning: 900 },
      11_250_000,
    ],
    ['GPT-6.1 Sol below the cliff', 'openai', 'gpt-6.1-sol', { fresh: 272_000 }, 544_000_000],
    [
      'GPT-6.1 Sol above it, by cached input',
      'openai',
      'gpt-6.1-sol',
      { fresh: 1, cacheRead: 272_000, output: 1000 },
      69_404_000,
    ],
    [
      'Haiku 5.5 past 100k',
      'anthropic',
      'claude-haiku-5-5',
      { fresh: 100_001, output: 10 },
      50_025_500,
    ],
    [
      'GPT audio',
      'openai',
      'gpt-audio',
      { fresh: 10, audioInput: 100, audioOutput: 50 },
      6_425_000,
    ],
    ['a search by the piece', 'openai', 'gpt-5', { webSearches: 3 }, 30_000_000],
    ['an embedding', 'openai', 'text-embedding-3-small', { fresh: 7 }, 140],
  ] as const)('%s', (_name, provider, model, usage, nanos) => {
    expect(cost(provider, model, usage)).toBe(nanos);
  });

  it('is flagged where a class has no published price', () => {
    const price = priceOf('openai', 'gpt-5-pro');
    expect(restsOnAssumption({ ...noUsage, fresh: 5, output: 3 }, price)).toBe(false);
    expect(restsOnAssumption({ ...noUsage, cacheRead: 5 }, price)).toBe(true);
  });
});

const classes = Object.keys(noUsage) as (keyof Usage)[];
const usages = (max: number): fc.Arbitrary<Usage> =>
  fc.record(
    Object.fromEntries(
      classes.map((name) => [name, fc.nat({ max: name === 'webSearches' ? 9 : max })]),
    ),
  ) as unknown as fc.Arbitrary<Usage>;
const models = fc.constantFrom(
  ['openai', 'gpt-4o'],
  ['openai', 'gpt-6.1-sol'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-haiku-5-5'],
  ['google', 'gemini-2.5-pro'],
) as fc.Arbitrary<[string, string]>;

describe('any cost', () => {
  it('is a whole number of at least zero', () => {
    fc.assert(
      fc.property(models, usages(2_000_000), (model, usage) => {
        const nanos = costOf(usage, priceOf(...model));
        expect(Number.isSafeInteger(nanos) && nanos >= 0).toBe(true);
      }),
    );
  });

  it('is the sum of its parts below the price cliffs, up to rounding', () => {
    fc.assert(
      fc.property(models, usages(9000), usages(9000), (model, one, other) => {
        const price = priceOf(...model);
        const both = Object.fromEntries(
          classes.map((name) => [name, one[name] + other[name]]),
        ) as unknown as Usage;
        const difference = costOf(both, price) - costOf(one, price) - costOf(other, price);
        expect(Math.abs(difference)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('never falls when a token is added', () => {
    fc.assert(
      fc.property(models, usages(300_000), fc.constantFrom(...classes), (model, usage, name) => {
        const price = priceOf(...model);
        const more = { ...usage, [name]: usage[name] + 1 };
        expect(costOf(more, price)).toBeGreaterThanOrEqual(costOf(usage, price));
      }),
    );
  });
});
