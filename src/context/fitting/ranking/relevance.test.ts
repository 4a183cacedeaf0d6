import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relevanceOver } from './relevance.ts';
import { selectTurns } from './select-turns.ts';
import { stemOf } from './stem.ts';
import { termsOf } from './terms.ts';

describe('terms', () => {
  it.each([
    ['painted', 'painting'],
    ['pony', 'ponies'],
    ['hopping', 'hopped'],
    ['making', 'makes'],
    ['agrees', 'agreed'],
    ['class', 'classes'],
  ])('%s and %s have one stem', (one, other) => expect(stemOf(one)).toBe(stemOf(other)));

  it.each(['bring', 'red', 'this', 'status', 'Straße'])('%s stays', (word) =>
    expect(stemOf(word)).toBe(word),
  );

  it('leave out what says nothing, and part what has no spaces', () => {
    expect(termsOf("What did the agent's tool return?")).toEqual(['agent', 'tool', 'return']);
    expect(termsOf('東京都 x')).toEqual(['東京', '京都', 'x']);
    expect(termsOf('')).toEqual([]);
  });
});

describe('relevance', () => {
  const turns = [
    { text: 'Where is the parcel of Mrs Kowalski?', session: 1 },
    { text: 'It lies at the depot in Leeds.', session: 1 },
    { text: 'Thanks a lot, see you.', session: 2 },
    { text: 'The weather is fine.', session: 2 },
    { text: 'Nothing else happened.', session: 3 },
  ];

  it('finds a turn by its words, and its neighbour with it', () => {
    const found = relevanceOver(turns)('kowalski parcels');
    const order = [...found.keys()].sort((one, other) => found[other]! - found[one]!);
    expect(order.slice(0, 2)).toEqual([0, 1]);
    expect(found[1]).toBeGreaterThan(0);
  });

  it('does not smooth across sessions', () => expect(relevanceOver(turns)('parcel')[2]).toBe(0));

  it('is nothing for a question without words', () =>
    expect([...relevanceOver(turns)('the?')]).toEqual([0, 0, 0, 0, 0]));

  it('selects at most the budget, and the more the larger it is', () => {
    const sized = fc.array(
      fc.record({ text: fc.string(), session: fc.nat(3), tokens: fc.nat(50) }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(sized, fc.string(), fc.nat(400), (each, question, budget) => {
        const kept = selectTurns(each, relevanceOver(each)(question), budget);
        const tokens = kept.reduce((sum, index) => sum + each[index]!.tokens, 0);
        expect(tokens).toBeLessThanOrEqual(budget);
        expect(kept).toEqual([...new Set(kept)].sort((one, other) => one - other));
        const all = each.reduce((sum, { tokens }) => sum + tokens, 0);
        if (budget >= all) expect(kept).toHaveLength(each.length);
      }),
    );
  });
});
