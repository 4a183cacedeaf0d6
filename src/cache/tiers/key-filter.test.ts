import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprint } from './fingerprint.ts';
import { KeyFilter } from './key-filter.ts';

describe('the key filter', () => {
  it('denies nothing before it knows the file', () => {
    expect(new KeyFilter().mayHave(1)).toBe(true);
  });

  it('affirms every name that was added, on either side of the shared memory', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (first, second) => {
        const adder = new KeyFilter();
        const asker = new KeyFilter(adder.shared);
        adder.rebuild(first.map(fingerprint));
        for (const key of second) adder.add(fingerprint(key));
        return [...first, ...second].every((key) => asker.mayHave(fingerprint(key)));
      }),
      { numRuns: 20 },
    );
  });

  it('denies nearly all others, and forgets what a rebuild leaves out', () => {
    const filter = new KeyFilter();
    filter.rebuild(Array.from({ length: 200_000 }, (_, index) => fingerprint(`in ${index}`)));
    const passed = (name: string) =>
      Array.from({ length: 20_000 }, (_, index) => fingerprint(`${name} ${index}`)).filter((each) =>
        filter.mayHave(each),
      ).length;
    expect(passed('in')).toBe(20_000);
    expect(passed('out')).toBeLessThan(200);
    filter.rebuild([]);
    expect(passed('in')).toBe(0);
  });
});
