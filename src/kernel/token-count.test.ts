import { beforeAll, describe, expect, it } from 'vitest';
import { boundedCount, loadTokenCount, type CountTokens } from './token-count.ts';
import { seededRandom } from './random.ts';

const prose = 'The agent reads the file, changes two lines and runs the tests again. ';
const random = seededRandom(7);
const letters = (length: number, alphabet: string): string =>
  Array.from({ length }, () => alphabet[Math.floor(random.next() * alphabet.length)]).join('');
const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

describe('counting tokens', () => {
  let count: CountTokens;
  beforeAll(async () => {
    count = await loadTokenCount();
    count(prose);
  });

  it('is exact for ordinary texts', () => {
    expect(count('')).toBe(0);
    expect(count('hello world')).toBe(2);
    expect(count('<|endoftext|>')).toBeGreaterThan(1);
  });

  it('is within two percent for long ones', () => {
    const short = count(prose.repeat(10));
    expect((count(prose.repeat(5000)) * 10) / (5000 * short)).toBeCloseTo(1, 1);
    const json = JSON.stringify(Array.from({ length: 8000 }, (_, id) => ({ id, name: `n${id}` })));
    const parts = json.match(/.{1,20000}/gs)!.reduce((sum, part) => sum + count(part), 0);
    expect(Math.abs(count(json) / parts - 1)).toBeLessThan(0.02);
  });

  it.each([
    ['one letter', 'a'.repeat(256_000)],
    ['white space', ' '.repeat(256_000)],
    ['line feeds', '\n'.repeat(256_000)],
    ['tabs and spaces', '\t '.repeat(128_000)],
    ['dots', '.'.repeat(256_000)],
    ['two letters', 'ab'.repeat(128_000)],
    ['digits', '7'.repeat(256_000)],
    ['Han', '漢字語言'.repeat(64_000)],
    ['surrogate pairs', '😀'.repeat(128_000)],
    ['combining marks', 'e\u0301'.repeat(128_000)],
    ['base64', letters(256_000, base64)],
    ['random letters', letters(256_000, 'abcdefghijklmnopqrstuvwxyz')],
    ['random punctuation', letters(256_000, '!"§$%&/()=?{}[]')],
  ])('takes at most 20 ms for 256,000 characters of %s', (_name, text) => {
    let best = Infinity;
    for (let round = 0; round < 5; round++) {
      const start = process.cpuUsage();
      expect(count(text)).toBeGreaterThan(0);
      const { user, system } = process.cpuUsage(start);
      best = Math.min(best, (user + system) / 1000);
    }
    expect(best).toBeLessThan(20);
  });

  it('gives a text to the tokenizer in pieces that it can bear', () => {
    let longest = 0;
    boundedCount((text) => {
      longest = Math.max(longest, /[a-z]+/.exec(text)?.[0].length ?? 0);
      return 1;
    })(`see ${'x'.repeat(9000)} there`);
    expect(longest).toBe(128);
  });
});
