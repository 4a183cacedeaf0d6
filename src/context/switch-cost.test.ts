import { expect, it } from 'vitest';
import { claudeTerms } from './sample-requests.ts';
import { switchCost } from './switch-cost.ts';

it('prices a switch with the cold prefix that it costs', () => {
  const cheap = { ...claudeTerms, rates: { fresh: 1e6, read: 5e4, write: 1.25e6, writeLong: 2e6 } };
  // 100,000 hot tokens: a cent to stay, 12.5 cents to write at half the price.
  expect(switchCost(100_000, claudeTerms, cheap)).toEqual({
    once: 125_000_000 - 10_000_000,
    stay: 10_000_000,
  });
  expect(switchCost(0, claudeTerms, cheap)).toEqual({ once: 0, stay: 0 });
});
