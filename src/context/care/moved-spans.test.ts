import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bodySpans } from '../../kernel/json-spans.ts';
import { splice, type Edit } from '../../kernel/splice.ts';
import { movedSpans } from './moved-spans.ts';

it('gives what scanning the edited body gives', () => {
  const texts = fc.array(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      texts,
      fc.string(),
      texts,
      fc.infiniteStream(fc.nat(3)),
      (items, name, more, picks) => {
        const body = Buffer.from(JSON.stringify({ a: items, b: name, c: more }));
        const spans = bodySpans(body);
        const values = spans.members.flatMap((member) => member.items ?? [member]);
        const edits = values.flatMap(({ start, end }): Edit[] => {
          const pick = picks.next().value as number;
          const bytes = Buffer.from(['"longer than it was"', '7'][pick % 2]!);
          if (pick > 1) return [];
          return [{ start, end, bytes }];
        });
        expect(movedSpans(spans, edits)).toEqual(bodySpans(splice(body, edits)));
      },
    ),
  );
});

it('says where the text must be looked at again', () => {
  const body = Buffer.from('{"a":[1,2],"b":3}');
  const spans = bodySpans(body);
  const edit = (start: number, end: number) => ({ start, end, bytes: Buffer.from('[]') });
  expect(movedSpans(spans, [edit(5, 10)])).toBeUndefined();
  expect(movedSpans(spans, [edit(0, 1)])).toBeUndefined();
});
