import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactNumber, parseStrict } from './strict-json.ts';

const parsed = (text: string) => parseStrict(Buffer.from(text), 100).value;

describe('a parsed body', () => {
  it('has the names that its text has, whatever was parsed before', () => {
    // See `EscapedNames`.
    const name = fc.string({ unit: fc.constantFrom('a', '"', '\\', ':', ' '), maxLength: 3 });
    const members = fc.dictionary(name, fc.constant(1), { noNullPrototype: true });
    const spaces = fc.constantFrom('', ' ', '\n\t');
    fc.assert(
      fc.property(members, spaces, (given, space) => {
        const names = Object.keys(given);
        const pairs = names.map((each) => `${JSON.stringify(each)}${space}:1`);
        const text = `{${pairs.join(',')}}`;
        expect(Object.keys(parsed(text))).toEqual(names);
        const { exact } = parseStrict(Buffer.from(`{"x":[12345678901234567890,${text}]}`), 100);
        const [number, inner] = exact['x'] as unknown as [ExactNumber, object];
        expect(number).toEqual(new ExactNumber('12345678901234567890'));
        expect(Object.keys(inner)).toEqual(names);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['{"a\\\\"":1}', '{"a":"\\\\"" :1}', '{"a\\"":1'])(
    'is none where it is no JSON: %s',
    (text) => expect(() => parsed(text)).toThrow(/not JSON/),
  );
});
