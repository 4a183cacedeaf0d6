import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from './glob.ts';

describe('a pattern', () => {
  it.each([
    ['gpt-4o', 'gpt-4o', true],
    ['gpt-4o', 'gpt-4o-mini', false],
    ['gpt-*', 'gpt-4o', true],
    ['gpt-*', 'gpt-', true],
    ['gpt-*', 'xgpt-4', false],
    ['*mini', 'gpt-4o-mini', true],
    ['*a*b', 'aab', true],
    ['*a*b', 'aba', false],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['a.c', 'abc', false],
    ['(a+)+$', '(a+)+$', true],
    ['**a**', 'bab', true],
  ])('%s and %s: %s', (pattern, text, matches) => {
    expect(matchesGlob(pattern, text)).toBe(matches);
  });

  it('means what the regular expression with .* for each star means', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 12 });
    fc.assert(
      fc.property(letters, letters, (pattern, text) => {
        const form = pattern.split('*').join('.*');
        return matchesGlob(pattern, text) === new RegExp(`^${form}$`, 's').test(text);
      }),
    );
  });

  it('takes no longer for being written to take long', () => {
    const started = performance.now();
    expect(matchesGlob('*a'.repeat(30) + 'b', 'a'.repeat(100_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
