import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { AlikeJson } from './alike-json.ts';

const reader = () =>
  new AlikeJson([
    { name: 'content', holder: (event) => event['delta'] },
    { name: 'pad', holder: (event) => event },
  ]);

const word = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\\"', 'a\nb', '","pad":"'),
);
const event = fc.oneof(
  fc.record({ id: fc.constant('x'), delta: fc.record({ content: word }), pad: word }),
  fc.record({ id: fc.constant('x'), delta: fc.record({ content: word }) }),
  fc.record({ id: fc.constant('x'), delta: fc.record({ content: word, other: fc.jsonValue() }) }),
  fc.jsonValue(),
);

describe('parsing events that are alike', () => {
  it('gives what JSON.parse gives, whatever comes in a row', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), fc.boolean(), (events, isSpaced) => {
        const alike = reader();
        for (const each of events) {
          const text = JSON.stringify(each, undefined, isSpaced ? 1 : undefined);
          expect(structuredClone(alike.parse(text))).toEqual(JSON.parse(text));
        }
      }),
    );
  });

  it.each([
    ['is cut within the word', '{"delta":{"content":"wor'],
    ['is cut behind it', '{"delta":{"content":"word"}'],
    ['has a raw line feed in it', '{"delta":{"content":"wo\nrd"}}'],
    ['goes on behind', '{"delta":{"content":"word"}}}'],
    ['has a broken escape in it', '{"delta":{"content":"\\x"}}'],
  ])('gives nothing for one that %s', (_what, text) => {
    const alike = reader();
    alike.parse('{"delta":{"content":"first"}}');
    expect(alike.parse(text)).toBeUndefined();
  });

  it('parses only the first of those that are alike', () => {
    const alike = reader();
    const first = alike.parse('{"delta":{"content":"one"},"pad":"xx"}') as JsonObject;
    const second = alike.parse('{"delta":{"content":"two \\n"},"pad":"yyyy"}');
    expect(second).toBe(first);
    expect(isObject(first['delta']) && first['delta']['content']).toBe('two \n');
  });
});
