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

  it('whose bodies lie apart are opened only with their own', async () => {
    for (const sealed of [large, { ...large, alone: true as const }]) {
      const { value, body } = await sealer.sealParts('place', sealed);
      const { bytes } = body!;
      const open = (apart: Buffer | undefined, place = 'place') =>
        sealer.open(place, 'k', value, bytesMax, apart);
      expect(await open(bytes)).toMatchObject({ key: 'k' });
      expect(await open(undefined)).toBe('damaged');
      expect(await open(bytes, 'elsewhere')).toBe('foreign');
      const change = fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }));
      await fc.assert(
        fc.asyncProperty(change, async ([at, by]) => {
          const changed = Buffer.from(bytes);
          changed[at] = changed[at]! ^ by;
          const found = await open(changed);
          // Some bits of packed bytes, and of the mark that says packed, mean nothing; the body is the same then.
          if (typeof found === 'string') return found === 'damaged';
          return Buffer.from(found.answer.final).equals(large.answer.final);
        }),
      );
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), async (end) => {
          const found = await open(bytes.subarray(0, end));
          return found === 'damaged';
        }),
      );
      expect(await sealer.open('place', 'k', value, 10_000, bytes)).toBe('damaged');
    }
  });

  it('have the same address apart where their bodies are the same, unless they are to lie alone', async () => {
    const addressOf = async (place: string, more: object = {}, by = sealer) =>
      (await by.sealParts(place, { ...large, ...more })).body!.address.toString('hex');
    const address = await addressOf('one');
    expect(await addressOf('two', { tags: ['tenant:other'] })).toBe(address);
    expect(await addressOf('one', { alone: true })).not.toBe(address);
    expect(await addressOf('one', {}, new Sealer('another'))).not.toBe(address);
  });

  it('unpack to no more than is allowed', async () => {
    const value = await sealer.seal('place', large);
    expect(await sealer.open('place', 'k', value, 10_000)).toBe('damaged');
  });
});
