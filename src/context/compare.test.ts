import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientCuts } from './care/client-cuts.ts';
import { clientMarks } from './care/client-marks.ts';
import { formOf } from './care/normalise.ts';
import { comparePrompts } from './compare.ts';
import { bytesUpTo, promptBytes, type LaidOut } from './layout.ts';

const dialect = 'anthropic-messages';
const mark = { cache_control: { type: 'ephemeral' } };

function laidOut(body: object): LaidOut {
  const form = formOf(dialect, Buffer.from(JSON.stringify(body)))!;
  const { marks } = clientMarks(form, 'cache_control');
  return { ...form, cuts: clientCuts(form, marks, 'cache_control') };
}

const texts = fc.array(fc.constantFrom('a', 'b', 'longer', '"cache_control":{}'), { maxLength: 4 });
const flags = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });

/** A request of blocks, some of them marked. */
function bodyOf(parts: readonly string[][], flagged: readonly boolean[]) {
  let next = 0;
  const block = (text: string) => ({ type: 'text', text, ...(flagged[next++ % 12] && mark) });
  const [system, ...messages] = parts;
  return {
    ...(system!.length > 0 && { system: system!.map(block) }),
    messages: [['x'], ...messages].map((each) => ({ role: 'user', content: each.map(block) })),
  };
}

describe('comparing prompts', () => {
  it('does not see marks', () => {
    const requests = fc.array(texts, { minLength: 1, maxLength: 4 });
    const none = Array.from({ length: 12 }, () => false);
    fc.assert(
      fc.property(requests, requests, flags, flags, (one, other, first, second) => {
        const plain = comparePrompts(laidOut(bodyOf(one, none)), laidOut(bodyOf(other, none)));
        const [before, now] = [laidOut(bodyOf(one, first)), laidOut(bodyOf(other, second))];
        const marked = comparePrompts(before, now);
        expect(marked.sharedBytes).toBe(plain.sharedBytes);
        expect(marked.divergence?.region).toBe(plain.divergence?.region);
        expect(marked.divergence?.item).toBe(plain.divergence?.item);
        expect(promptBytes(now)).toBe(promptBytes(laidOut(bodyOf(other, none))));
        expect(bytesUpTo(now, 'messages', 0)).toBe(
          bytesUpTo(laidOut(bodyOf(other, none)), 'messages', 0),
        );
      }),
    );
  });

  it('spares what is known to be equal', () => {
    const one = laidOut({ system: 'same', messages: [{ role: 'user', content: 'one' }] });
    const other = laidOut({
      system: 'same',
      messages: [
        { role: 'user', content: 'one' },
        { role: 'user', content: 'two' },
      ],
    });
    for (const known of [0, 5, 20, one.body.length - 2]) {
      expect(comparePrompts(one, other, known)).toEqual(comparePrompts(one, other));
    }
  });
});
