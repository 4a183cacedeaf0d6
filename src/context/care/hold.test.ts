import { describe, expect, it } from 'vitest';
import { claudeTerms, gptTerms } from '../sample-requests.ts';
import { bestHold } from './hold.ts';

const odds = (short: number, long = short) => ({ short, long });

describe('the best hold', () => {
  it('writes for five minutes from a chance of a read of 26 % on', () => {
    // (w - 1) / (1 - r) with w = 1.25 and r = 0.05.
    expect(bestHold(claudeTerms, odds(0.2))).toBe('none');
    expect(bestHold(claudeTerms, odds(0.27))).toBe('short');
    expect(bestHold(claudeTerms, odds(1))).toBe('short');
  });

  it('writes for an hour where reads come, but not within five minutes', () => {
    expect(bestHold(claudeTerms, odds(0, 0.8))).toBe('long');
    expect(bestHold(claudeTerms, odds(0, 0.4))).toBe('none');
    expect(bestHold(claudeTerms, odds(0.85, 0.9))).toBe('short');
  });

  it('has no hour where the provider offers none', () => {
    expect(bestHold(gptTerms, odds(0.1, 0.9))).toBe('none');
  });

  it('holds nothing where reading is no cheaper', () => {
    const rates = { ...claudeTerms.rates, read: claudeTerms.rates.fresh };
    expect(bestHold({ ...claudeTerms, rates }, odds(1))).toBe('none');
    expect(bestHold({ ...claudeTerms, mode: 'none' }, odds(1))).toBe('none');
  });
});
