import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashIndex } from './hash-index.ts';
import { none } from './slot-lists.ts';

describe('the index of hashes', () => {
  it('finds what a map finds', () => {
    const act = fc.tuple(
      fc.constantFrom('set', 'set', 'delete'),
      fc.integer({ min: -90, max: 90 }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 400 }), fc.boolean(), (acts, areAlike) => {
        const index = new HashIndex();
        const model = new Map<number, number>();
        for (const [at, [what, key]] of acts.entries()) {
          // Hashes alike in their low bits, as those are that a shadow follows.
          const hash = areAlike ? key << 20 : key;
          if (what === 'delete') {
            index.delete(hash);
            model.delete(hash);
          } else if (!model.has(hash)) {
            index.set(hash, at);
            model.set(hash, at);
          }
        }
        for (let key = -90; key <= 90; key++) {
          const hash = areAlike ? key << 20 : key;
          expect(index.find(hash)).toBe(model.get(hash) ?? none);
        }
      }),
    );
  });
});
