import { describe, expect, it } from 'vitest';
import { modelEconomics } from './model-economics.ts';
import { createPriceBook } from './price-book.ts';

const at = Date.UTC(2026, 10, 20);
const plain = { provider: 'openai', input: 1.2, output: 10, provenance: 'a test' };
const book = createPriceBook({
  overrides: [
    {
      model: 'claude-unsure-5',
      provider: 'anthropic',
      input: 2,
      output: 10,
      provenance: 'a test',
    },
    { ...plain, model: 'gpt-5-slip', cacheRead: 12 },
    { ...plain, model: 'gpt-5-free', input: 0, cacheRead: 0 },
  ],
});
const of = (provider: string, model: string) => modelEconomics(book, { provider, model, at });

describe('the economics of a model', () => {
  it('have its multipliers, its cliffs and its window', () => {
    expect(of('openai', 'gpt-6.1-sol')).toMatchObject({
      base: { fresh: 2e6, read: 1e5, write: 2.5e6, output: 1e7 },
      cliffs: [{ above: 272_000, rates: { read: 2e5, write: 5e6, output: 1.5e7 } }],
      ttlMs: 1_800_000,
      asks: false,
    });
    expect(of('anthropic', 'claude-haiku-5-5')).toMatchObject({
      asks: true,
      long: { ttlMs: 3_600_000, writeTimes: 1.6 },
      cliffs: [{ above: 100_000 }],
    });
    expect(of('openai', 'gpt-4o')).toMatchObject({
      base: { fresh: 2.5e6, read: 1.25e6, write: 2.5e6 },
      window: 128_000,
    });
  });

  it('read and write at the price of input where there is no cache', () => {
    const { base, ttlMs } = of('groq', 'llama-3.1-8b-instant')!;
    expect(ttlMs).toBe(0);
    expect(base.read).toBe(base.fresh);
    expect(base.write).toBe(base.fresh);
  });

  it('are unknown where the price or a multiplier is', () => {
    expect(of('openai', 'gpt-99-nova')).toBeUndefined();
    expect(of('anthropic', 'claude-unsure-5')).toBeUndefined();
    // A decimal point that slipped, and nothing that could be saved.
    expect(of('openai', 'gpt-5-slip')).toBeUndefined();
    expect(of('openai', 'gpt-5-free')).toBeUndefined();
    // Its cache rates are not published.
    expect(of('openai', 'gpt-6.2-sol')).toBeUndefined();
  });
});
