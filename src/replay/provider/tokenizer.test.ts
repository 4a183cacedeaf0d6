import { beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, rememberingTokenizer, type Tokenizer } from './tokenizer.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await loadTokenizer();
});

describe('the tokenizer', () => {
  it('knows the tokens of o200k_base and takes special tokens as text', () => {
    expect([...tokenizer.ids('hello world')]).toEqual([24912, 2375]);
    expect(tokenizer.ids('<|endoftext|>').length).toBeGreaterThan(1);
  });

  it('counts a text with an endless run fast and about right', () => {
    const from = performance.now();
    const ids = tokenizer.ids(`before ${'a'.repeat(256_000)} after`);
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(ids.length).toBeGreaterThan(256_000 / 16);
    expect(ids.length).toBeLessThan(256_000);
    expect(ids[0]).toBe(tokenizer.ids('before')[0]);
  });

  it('remembers texts within its bound', () => {
    let encoded = 0;
    const remembering = rememberingTokenizer((text) => {
      encoded++;
      return Array.from(text, () => 1);
    }, 10);
    for (const text of ['12345', 'abcde', '12345', 'vwxyz', '12345', 'abcde'])
      remembering.ids(text);
    // `abcde` was the least recently used when `vwxyz` came.
    expect(encoded).toBe(4);
  });
});
