import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GrowingBytes } from './growing-bytes.ts';

it('gives any stretch of what came, and leaves what it gave alone', () => {
  const chunk = fc.uint8Array({ maxLength: 3000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(chunk, fc.nat()), { maxLength: 30 }), (steps) => {
      const bytes = new GrowingBytes();
      const given: { view: Buffer; copy: Buffer }[] = [];
      let all = Buffer.alloc(0);
      let dropped = 0;
      for (const [part, number] of steps) {
        bytes.append(part);
        all = Buffer.concat([all, part]);
        expect(bytes.end).toBe(all.length);
        const from = dropped + (number % (all.length - dropped + 1));
        const view = bytes.slice(from);
        given.push({ view, copy: Buffer.from(all.subarray(from)) });
        if (number % 5 === 0) bytes.drop((dropped = from));
      }
      return given.every(({ view, copy }) => view.equals(copy));
    }),
  );
});
