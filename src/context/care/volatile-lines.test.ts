import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splice } from '../../kernel/splice.ts';
import { changedShapes, cutLines, rawLines, shapeOf } from './volatile-lines.ts';

const linesOf = (text: string) => {
  const body = Buffer.from(JSON.stringify(text));
  return { body, lines: rawLines(body, { start: 0, end: body.length }) };
};

describe('lines of a JSON text', () => {
  it('are all of it, and cutting any leaves the others', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.string(), fc.constantFrom('a\\n', '"', '\\', 'é\u0000', 'One. Two.  ')),
          {
            minLength: 1,
          },
        ),
        (parts) => {
          const text = parts.join('\n');
          const { body, lines } = linesOf(text);
          const whole = lines.map(({ start, end }) => body.toString('utf8', start, end)).join('');
          expect(JSON.parse(`"${whole}"`)).toBe(text);
          const count = text === '' ? 0 : text.replace(/\n$/, '').split('\n').length;
          // A line of several sentences is told in several.
          if (text.includes('. ')) expect(lines.length).toBeGreaterThanOrEqual(count);
          else expect(lines.length).toBe(count);
        },
      ),
    );
  });

  it('of a long paragraph are its sentences', () => {
    const sentence = `${'word '.repeat(60)}end.`;
    const { lines } = linesOf(`${sentence} It is 10:41 now. ${sentence}`);
    expect(lines.map(({ text }) => text.slice(0, 9))).toEqual([
      'word word',
      'It is 10:',
      'word word',
    ]);
  });
});

describe('a volatile line', () => {
  const learnt = (before: string, after: string, isSame = true) =>
    changedShapes(linesOf(before).lines, linesOf(after).lines, isSame);

  it('is known by what stays of it', () => {
    expect(
      learnt('a\nTime: 10:41:07 on 2026-11-25\nb', 'a\nTime: 11:02:59 on 2026-11-26\nb'),
    ).toEqual([shapeOf('Time: 10:41:07 on 2026-11-25')]);
    expect(learnt('run 7f3c9a7e', 'run 0aa19b2c')).toEqual(['run #']);
  });

  it('is not one where the text itself was edited', () => {
    expect(learnt('Be kind.', 'Be rude.')).toEqual([]);
    expect(learnt('a 1\nb', 'a 2\nc')).toEqual([]);
    expect(learnt('a 1', 'a 1\nb 2')).toEqual([]);
  });

  it('is told from another task of the agent by its time only', () => {
    expect(learnt('You are agent 1.', 'You are agent 2.', false)).toEqual([]);
    expect(learnt('It is 10:41.', 'It is 10:42.', false)).toEqual(['It is #.']);
  });

  it('is cut with its line feed', () => {
    const { body, lines } = linesOf('stay\nid 12345678\nstay "too"');
    const { edits, cut } = cutLines(lines, new Set(['id #']));
    expect(cut).toEqual(['id 12345678']);
    expect(JSON.parse(splice(body, edits).toString('utf8'))).toBe('stay\nstay "too"');
  });
});
