import { describe, expect, it } from 'vitest';
import { createTokenEstimator } from './token-estimate.ts';

const prose = 'The agent reads the file, changes two lines and runs the tests again. ';

describe('the token estimate', () => {
  it('is exact for short texts of OpenAI models', async () => {
    const estimator = createTokenEstimator();
    expect(await estimator.estimate('gpt-4o', 'hello world')).toBe(2);
    expect(await estimator.estimate('gpt-4o', '')).toBe(0);
  });

  it('is within a few percent for long ones', async () => {
    const estimator = createTokenEstimator();
    const seven = await estimator.estimate('gpt-5', prose.repeat(7));
    const many = await estimator.estimate('gpt-5', prose.repeat(500));
    expect((many * 7) / (500 * seven)).toBeGreaterThan(0.95);
    expect((many * 7) / (500 * seven)).toBeLessThan(1.05);
  });

  it('takes special tokens as text', async () => {
    expect(await createTokenEstimator().estimate('gpt-4o', '<|endoftext|>')).toBeGreaterThan(1);
  });

  it.each([
    ['one letter', 'a'.repeat(256_000)],
    ['white space', ' '.repeat(256_000)],
    [
      'many different words',
      Array.from({ length: 30_000 }, (_, index) => `x${index.toString(36)}qzj`).join(''),
    ],
    ['surrogate pairs', '😀'.repeat(128_000)],
  ])('takes at most 20 ms for a pathological text: %s', async (_name, text) => {
    const estimator = createTokenEstimator();
    await estimator.estimate('gpt-4o', 'warm');
    let best = Infinity;
    for (let round = 0; round < 5; round++) {
      const start = performance.now();
      expect(await estimator.estimate('gpt-4o', text)).toBeGreaterThan(0);
      best = Math.min(best, performance.now() - start);
    }
    expect(best).toBeLessThan(20);
  });

  it('learns the characters per token of other models', async () => {
    const estimator = createTokenEstimator();
    const text = prose.repeat(10);
    expect(await estimator.estimate('claude-opus-5', text)).toBe(Math.ceil(text.length / 3.36));
    estimator.learn('claude-opus-5', text, text.length / 5);
    expect(await estimator.estimate('claude-opus-5', text)).toBe(text.length / 5);
  });
});
