import { describe, expect, it } from 'vitest';
import { createPriceBook } from './price-book.ts';

const at = Date.UTC(2026, 10, 20, 12);
const book = createPriceBook();
const anthropic = (model: string, extra = {}) =>
  book.find({ provider: 'anthropic', model, at, ...extra });
const openai = (model: string, extra = {}) =>
  book.find({ provider: 'openai', model, at, ...extra });

describe('the price book', () => {
  it('gives whole pico-dollars a token for every class', () => {
    expect(anthropic('claude-opus-4-7')?.base).toEqual({
      fresh: 5_000_000,
      cacheRead: 500_000,
      cacheWrite5m: 6_250_000,
      cacheWrite1h: 10_000_000,
      output: 25_000_000,
      reasoning: 25_000_000,
      audioInput: 5_000_000,
      audioOutput: 25_000_000,
      webSearches: 10_000_000_000,
    });
  });

  it('knows neither unknown models nor unknown providers', () => {
    expect(openai('gpt-nobody')).toBeUndefined();
    expect(book.find({ provider: 'nobody', model: 'gpt-4o', at })).toBeUndefined();
    expect(book.find({ provider: 'my-openai-proxy', model: 'gpt-4o', at })).toBeUndefined();
    expect(openai('whisper-1')).toBeUndefined();
  });

  it.each([
    ['claude-sonnet-5-5', 100_000],
    ['claude-sonnet-5-5-20261007', 100_000],
    ['claude-sonnet-5.5', 100_000],
    ['Claude-Sonnet-5-5-latest', 100_000],
    ['claude-sonnet-5', 200_000],
    ['claude-sonnet-4-5-20250929', 300_000],
    ['claude-opus-5-5', 200_000],
  ])('reads %s with its own cache read price', (model, cacheRead) => {
    expect(anthropic(model)?.base.cacheRead).toBe(cacheRead);
  });

  it('does not give one version the price of another', () => {
    expect(anthropic('claude-sonnet-5-7')).toBeUndefined();
    expect(anthropic('claude-haiku-4-5-20251001')?.base.fresh).toBe(1_000_000);
  });

  it('resolves dated snapshots of OpenAI', () => {
    expect(openai('gpt-4o-2024-08-06')?.base.fresh).toBe(2_500_000);
    expect(openai('gpt-6.1-sol-2026-11-01')?.base.cacheRead).toBe(100_000);
  });

  it('lets length decide the rates of the whole request', () => {
    const sol = openai('gpt-6.1-sol');
    expect(sol?.longContext).toHaveLength(1);
    expect(sol?.longContext[0]).toMatchObject({
      above: 272_000,
      rates: { fresh: 4_000_000, cacheRead: 200_000, output: 15_000_000 },
    });
    expect(anthropic('claude-sonnet-4-5')?.longContext[0]).toMatchObject({
      above: 200_000,
      rates: { fresh: 6_000_000, output: 22_500_000, cacheWrite1h: 12_000_000 },
    });
  });

  it('heeds the date of the call', () => {
    const opus = (day: number) => anthropic('claude-opus-4-6', { at: Date.UTC(2026, 2, day) });
    expect(opus(12)?.longContext).toHaveLength(1);
    expect(opus(13)?.longContext).toHaveLength(0);
  });

  it('heeds the time of day', () => {
    const deepseek = (hour: number) =>
      book.find({
        provider: 'deepseek',
        model: 'deepseek-v4-pro',
        at: Date.UTC(2026, 10, 20, hour),
      });
    expect(deepseek(2)?.base.fresh).toBe(1_320_000);
    expect(deepseek(5)?.base.fresh).toBe(660_000);
  });

  it('prices service tiers, and not those it knows nothing of', () => {
    expect(openai('gpt-5', { serviceTier: 'flex' })?.base.output).toBe(5_000_000);
    expect(openai('gpt-5', { serviceTier: 'default' })?.base.output).toBe(10_000_000);
    expect(openai('gpt-5', { serviceTier: 'priority' })).toMatchObject({
      base: { output: 20_000_000 },
      assumed: expect.arrayContaining(['output']) as unknown,
    });
    expect(openai('gpt-5', { serviceTier: 'batch' })?.base.webSearches).toBe(10_000_000_000);
    expect(anthropic('claude-opus-5', { serviceTier: 'priority' })).toBeUndefined();
    expect(openai('gpt-5', { serviceTier: 'turbo' })).toBeUndefined();
  });

  it('fills gaps with the dearest rate and says so', () => {
    const price = openai('gpt-5-pro');
    expect(price?.base.cacheRead).toBe(price?.base.fresh);
    expect(price?.assumed).toContain('cacheRead');
    expect(openai('text-embedding-3-small')?.base.fresh).toBe(20_000);
  });

  it('says where a price comes from', () => {
    expect(openai('gpt-5')?.provenance).toMatch(/genai-prices/);
    expect(anthropic('claude-sonnet-5-5')?.provenance).toMatch(/platform.claude.com/);
  });

  it('looks a known model up in under half a microsecond', () => {
    const question = { provider: 'openai', model: 'gpt-5', at, serviceTier: undefined };
    let best = Infinity;
    for (let round = 0; round < 5; round++) {
      const start = performance.now();
      for (let index = 0; index < 20_000; index++) book.find(question);
      best = Math.min(best, ((performance.now() - start) / 20_000) * 1000);
    }
    expect(best).toBeLessThan(1);
  });
});

describe('overrides', () => {
  const overridden = createPriceBook({
    overrides: [
      { provider: 'openai', model: 'gpt-5*', input: 9, output: 90 },
      { provider: 'openai', model: 'gpt-5', input: 1, output: 8 },
      { provider: 'openai', model: 'gpt-5', input: 0.5, output: 4, from: Date.UTC(2026, 10, 1) },
      { provider: 'openai', model: 'gpt-5', serviceTier: 'turbo', input: 7, output: 70 },
      { model: 'llama-*', input: 0.05, output: 0.08, to: Date.UTC(2026, 11, 1) },
    ],
  });
  const find = (model: string, extra = {}) =>
    overridden.find({ provider: 'openai', model, at, ...extra });

  it('go before the lists, the most specific and latest first', () => {
    expect(find('gpt-5')?.base.fresh).toBe(500_000);
    expect(find('gpt-5-2025-08-07')?.base.fresh).toBe(500_000);
    expect(find('gpt-5', { at: Date.UTC(2026, 0, 1) })?.base.fresh).toBe(1_000_000);
    expect(find('gpt-5-mini')?.base.fresh).toBe(9_000_000);
    expect(find('gpt-5')?.provenance).toBe('configuration');
  });

  it('can name a service tier, and else are discounted like list prices', () => {
    expect(find('gpt-5', { serviceTier: 'turbo' })?.base.fresh).toBe(7_000_000);
    expect(find('gpt-5', { serviceTier: 'flex' })?.base.fresh).toBe(250_000);
  });

  it('hold for whichever provider where none is named, and until their end', () => {
    const llama = { provider: 'mine', model: 'llama-4' };
    expect(overridden.find({ ...llama, at })?.base.fresh).toBe(50_000);
    expect(overridden.find({ ...llama, at: Date.UTC(2026, 11, 1) })).toBeUndefined();
  });
});
