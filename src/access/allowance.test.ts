import { describe, expect, it } from 'vitest';
import { allowanceOf, allows } from './allowance.ts';
import { newTerms } from './read-terms.ts';

const terms = newTerms('red', (bytes) => Buffer.alloc(bytes));

describe('the allowance of a key', () => {
  it('is none where all is allowed, so that most calls carry nothing', () => {
    expect(allowanceOf(terms)).toBeUndefined();
    expect(allows(undefined, { provider: 'p', model: 'm' })).toBe(true);
  });

  it.each([
    [{ models: ['gpt-*', 'o3'] }, 'openai', 'gpt-4o', true],
    [{ models: ['gpt-*', 'o3'] }, 'openai', 'o3', true],
    [{ models: ['gpt-*', 'o3'] }, 'openai', 'o3-pro', false],
    [{ models: ['gpt-*'] }, 'openai', '', false],
    [{ providers: ['openai'] }, 'openai', 'any', true],
    [{ providers: ['openai'] }, 'groq', 'any', false],
    [{ providers: ['openai'], models: ['a'] }, 'openai', 'b', false],
    [{ scopes: ['admin'] as const }, 'openai', 'a', false],
  ])('%j, at %s for %s: %s', (said, provider, model, expected) => {
    const allowance = allowanceOf({ ...terms, ...said });
    expect(allows(allowance, { provider, model })).toBe(expected);
  });
});
