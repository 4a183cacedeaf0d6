import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Agenda } from './agenda.ts';

it('gives the earliest first, and of equal times the one entered first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (times) => {
      const agenda = new Agenda<number>();
      for (const [index, at] of times.entries()) agenda.add(at, index);
      const taken: { at: number; item: number }[] = [];
      for (let next = agenda.take(); next !== undefined; next = agenda.take()) {
        taken.push({ at: next.at, item: next.item });
      }
      const expected = times.map((at, item) => ({ at, item })).sort((a, b) => a.at - b.at);
      expect(taken).toEqual(expected);
      expect(agenda.size).toBe(0);
    }),
  );
});
