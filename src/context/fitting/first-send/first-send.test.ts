import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askedFor, capped } from './cap.ts';
import { Handles } from './handles.ts';
import { minified } from './minify.ts';

describe('minified JSON', () => {
  it('says the same with fewer bytes, and no number changes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value, undefined, 4);
        const short = minified(text);
        if (short === undefined) return;
        expect(JSON.parse(short.text)).toEqual(JSON.parse(text));
        expect(short.text.length).toBeLessThanOrEqual(text.length - 64);
      }),
    );
    const digits = `{\n${' '.repeat(80)}"id": 12345678901234567890.10,\n "at": "a  b" }`;
    expect(minified(digits)).toEqual({
      text: '{"id":12345678901234567890.10,"at":"a  b"}',
      gaps: 5,
    });
  });

  it('leaves alone what is no JSON or already short', () => {
    expect(minified('Found 3 orders:   one, two, three'.repeat(9))).toBeUndefined();
    expect(minified(`{"broken":${' '.repeat(100)}`)).toBeUndefined();
    expect(minified('{"a": 1}')).toBeUndefined();
    expect(minified('')).toBeUndefined();
  });
});

describe('capped results', () => {
  const text = Array.from({ length: 3000 }, (_, line) => `line ${line} 漢😀`).join('\n');

  it('can be read on to their end by the handle that they carry', () => {
    const handles = new Handles(1e6);
    const short = capped(text, 4000, 'tenant', handles)!;
    expect(short.length).toBeLessThan(4300);
    expect(text.startsWith(short.slice(0, 2900))).toBe(true);
    let ask = /"(eco-\w{12} from \d+)"/.exec(short)?.[1];
    let read = short.slice(0, short.indexOf('\n['));
    while (ask !== undefined) {
      const answer = askedFor(`I need ${ask}, please`, 4000, 'tenant', handles)!;
      read += answer.slice(answer.indexOf(']\n') + 2);
      ask = /"(eco-\w{12} from \d+)"/.exec(answer)?.[1];
    }
    expect(read).toBe(text);
  });

  it('stay as they are when short enough', () =>
    expect(capped('short', 10, 't', new Handles(1e6))).toBeUndefined());

  it('are nobody else’s', () => {
    const handles = new Handles(1e6);
    const handle = /eco-\w{12}/.exec(capped(text, 4000, 'one', handles)!)![0];
    expect(handles.find('other', handle)).toBeUndefined();
    expect(askedFor(`see ${handle}`, 4000, 'other', handles)).toContain('kept no longer');
    expect(askedFor('nothing asked', 4000, 'one', handles)).toBeUndefined();
  });

  it('are kept in bounded memory, the last used longest', () => {
    const handles = new Handles(20_000);
    const texts = Array.from({ length: 40 }, (_, index) =>
      Array.from({ length: 800 }, (_, word) => `${(index * 7919 + word * 104_729) % 99_991}`).join(
        ' ',
      ),
    );
    const names = texts.map((each) => handles.keep('t', each));
    expect(handles.find('t', names.at(-1)!)).toBe(texts.at(-1));
    expect(handles.find('t', names[0]!)).toBeUndefined();
  });
});
