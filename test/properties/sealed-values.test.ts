import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleEntry } from '../../src/cache/sample-entry.ts';
import { Sealer } from '../../src/cache/tiers/sealed-value.ts';

const sealer = new Sealer('a secret');
const bytesMax = 1_000_000;
const entry = sampleEntry({ key: 'k', now: 1000, bytes: 300, framesBytes: 200 });
const large = {
  ...entry,
  answer: { ...entry.answer, final: Buffer.from('again and again '.repeat(1000)) },
};

describe('sealed values', () => {
  it.each([
    ['plain', entry],
    ['packed', large],
  ])('are opened only as they were sealed: %s', async (_name, sealed) => {
    const value = await sealer.seal('place', sealed);
    expect(await sealer.open('place', 'k', value, bytesMax)).toMatchObject({ key: 'k' });
    expect(await sealer.open('elsewhere', 'k', value, bytesMax)).toBe('foreign');
    expect(await new Sealer('another').open('place', 'k', value, bytesMax)).toBe('foreign');
    const change = fc.tuple(fc.nat({ max: value.length - 1 }), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([at, by]) => {
        const changed = Buffer.from(value);
        changed[at] = changed[at]! ^ by;
        return sealer.open('place', 'k', changed, bytesMax) === 'foreign';
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: value.length - 1 }), (end) => {
        return sealer.open('place', 'k', value.subarray(0, end), bytesMax) === 'foreign';
      }),
    );
  });

  it('are never made of anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        return sealer.open('place', 'k', Buffer.from(bytes), bytesMax) === 'foreign';
      }),
    );
  });

  it('unpack to no more than is allowed', async () => {
    const value = await sealer.seal('place', large);
    expect(await sealer.open('place', 'k', value, 10_000)).toBe('damaged');
  });
});
