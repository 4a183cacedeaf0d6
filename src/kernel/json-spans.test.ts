import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemsOf, membersOf } from './json-members.ts';
import { bodySpans, commonPrefix, memberNamed, spansAfter, type BodySpans } from './json-spans.ts';
import { splice } from './splice.ts';

const spaces = fc.constantFrom('', ' ', '\n', '\t', '  \r\n');

/** JSON text of any value, with white space wherever it may stand. */
function jsonText(value: unknown, space: () => string): string {
  const around = (text: string): string => space() + text + space();
  if (Array.isArray(value))
    return `[${value.map((each) => around(jsonText(each, space))).join(',')}${space()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, each]) => `${around(JSON.stringify(name))}:${around(jsonText(each, space))}`,
  );
  return `{${members.join(',')}${space()}}`;
}

const texts = fc
  .tuple(
    fc.dictionary(
      fc.oneof(fc.constantFrom('messages', 'tools', 'system'), fc.string()),
      fc.jsonValue({ maxDepth: 4 }),
      {
        noNullPrototype: true,
      },
    ),
    fc.infiniteStream(spaces),
  )
  .map(([value, gaps]) => {
    const text = jsonText(value, () => gaps.next().value as string);
    return { value: JSON.parse(text) as Record<string, unknown>, body: Buffer.from(text) };
  });

const parsed = (body: Buffer, span: { start: number; end: number }): unknown =>
  JSON.parse(body.toString('utf8', span.start, span.end));

function valueOf(body: Buffer, spans: BodySpans): Record<string, unknown> {
  const entries = spans.members.map((member) => {
    const value = member.items?.map((item) => parsed(body, item)) ?? parsed(body, member);
    expect(value).toEqual(parsed(body, member));
    return [member.name, value];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

describe('spans of a body', () => {
  it('are those of what JSON.parse reads', () => {
    fc.assert(
      fc.property(texts, ({ value, body }) => {
        const spans = bodySpans(body);
        expect(valueOf(body, spans)).toEqual(value);
        expect(body[spans.close]).toBe(0x7d);
      }),
    );
  });

  it('are the same when found from the common beginning of an earlier body', () => {
    fc.assert(
      fc.property(texts, texts, fc.nat(), ({ body: one }, { body: other }, cut) => {
        // Another text, and the same text with something put in somewhere.
        for (const later of [other, spliceSomewhere(one, cut)]) {
          if (!isJson(later)) continue;
          const same = commonPrefix(one, later);
          expect(spansAfter(bodySpans(one), same, later)).toEqual(bodySpans(later));
        }
      }),
    );
  });

  it('go on in a list that grew and in a number that did', () => {
    const one = Buffer.from('{"a":[1,{"b":2}],"c":1}');
    for (const text of ['{"a":[1,{"b":2},3],"c":1}', '{"a":[1,{"b":2}],"c":12}', '{"a":[12]}']) {
      const later = Buffer.from(text);
      const spans = spansAfter(bodySpans(one), commonPrefix(one, later), later);
      expect(spans).toEqual(bodySpans(later));
    }
  });

  it('find a member by name, the last one where it is named twice', () => {
    const body = Buffer.from('{"a":1,"\\u0061":[2]}');
    expect(memberNamed(bodySpans(body), 'a')?.items).toEqual([{ start: 17, end: 18 }]);
  });

  it('of nested values', () => {
    const body = Buffer.from('[{"role": "user", "content":[ 1 ,"x"]}]');
    const [item] = itemsOf(body, 0);
    const content = membersOf(body, item!.start)[1]!;
    expect(itemsOf(body, content.start).map((each) => parsed(body, each))).toEqual([1, 'x']);
  });
});

describe('common prefix', () => {
  it('is the first difference', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20_000 }),
        fc.nat(),
        fc.uint8Array({ maxLength: 40 }),
        (bytes, at, tail) => {
          const one = Buffer.from(bytes);
          const other = Buffer.concat([one.subarray(0, at % (one.length + 1)), tail]);
          let expected = 0;
          while (expected < Math.min(one.length, other.length) && one[expected] === other[expected])
            expected++;
          expect(commonPrefix(one, other)).toBe(expected);
        },
      ),
    );
  });
});

describe('splice', () => {
  it('changes what it is told and nothing else', () => {
    const body = Buffer.from('abcdef');
    const edit = (start: number, end: number, text: string) => ({
      start,
      end,
      bytes: Buffer.from(text),
    });
    expect(splice(body, [edit(4, 5, 'X'), edit(1, 1, '1'), edit(1, 1, '2')]).toString()).toBe(
      'a12bcdXf',
    );
    expect(splice(body, [])).toBe(body);
    expect(() => splice(body, [edit(0, 3, ''), edit(2, 4, '')])).toThrow(RangeError);
    expect(() => splice(body, [edit(6, 7, '')])).toThrow(RangeError);
  });
});

function isJson(body: Buffer): boolean {
  try {
    return typeof JSON.parse(body.toString('utf8')) === 'object';
  } catch {
    return false;
  }
}

function spliceSomewhere(body: Buffer, cut: number): Buffer {
  const at = cut % (body.length + 1);
  return splice(body, [
    { start: at, end: at, bytes: Buffer.from(['1', ',1', '"x":[],', ' '][cut % 4]!) },
  ]);
}
