import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listFixtures } from '../../../../test/wire/fixtures.ts';
import { Written } from './written.ts';

const asText = { disallowedSpecial: new Set<string>() };
const tokens = (text: string): number => countTokens(text, asText);

function writtenOf(pieces: readonly string[]): Written {
  const written = new Written();
  for (const piece of pieces) written.add(piece);
  return written;
}

const text = fc.oneof(
  fc.lorem({ maxCount: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
  fc.webUrl(),
  fc.json(),
  fc.constantFrom(' ', '\n', '-', '=', ' the').map((unit) => unit.repeat(300)),
  fc.constantFrom(
    "don't can't it's they'll we've",
    '我们今天去公园散步',
    'const a = () => ({ b: c[0]!.d })',
  ),
);

describe('what a model wrote', () => {
  it('is no fewer tokens and no more than it says, however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (pieces) => {
        const written = writtenOf(pieces);
        const count = tokens(pieces.join(''));
        expect(written.atLeast).toBeLessThanOrEqual(count);
        expect(written.atMost).toBeGreaterThanOrEqual(count);
      }),
      { numRuns: 300 },
    );
  });

  it('is counted in bytes at most, half characters included', () => {
    expect(writtenOf(['aé漢']).atMost).toBe(6);
    expect(writtenOf(['😀']).atMost).toBe(4);
    expect(writtenOf(['\ud83d', '\ude00']).atMost).toBe(4);
  });

  it('is not far below what ordinary text is', () => {
    for (const { request } of listFixtures('anthropic-messages')) {
      const written = writtenOf([request.toString('utf8')]);
      expect(written.atLeast).toBeLessThanOrEqual(tokens(request.toString('utf8')));
    }
    const english =
      'Before each attempt its cost is bounded from above, and afterwards it is charged. '.repeat(
        20,
      );
    expect(tokens(english) / writtenOf([english]).atLeast).toBeLessThan(1.6);
  });
});
