import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDuration } from '../kernel/duration.ts';
import { nearest } from './nearest.ts';
import { durationText, parseSize, sizeText } from './units.ts';

it.each([
  ['64MiB', 67_108_864],
  ['100 MB', 100_000_000],
  ['1.5kib', 1536],
  ['4096', 4096],
  ['12 parsecs', undefined],
  ['MiB', undefined],
  ['-1', undefined],
  ['9999999999GiB', undefined],
])('size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it('writes sizes and durations so that they are read as the same', () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 31),
      fc.constantFrom(1, 1000, 1024, 60_000, 1_048_576),
      (number, unit) => {
        const amount = number * unit;
        expect(parseSize(sizeText(amount).replace(' bytes', ''))).toBe(amount);
        expect(parseDuration(durationText(amount))).toBe(amount);
      },
    ),
  );
});

it('finds the word that is meant, or none', () => {
  const known = ['base_url', 'api_key', 'models'];
  expect(nearest('baseURL', known)).toBe('base_url');
  expect(nearest('apikey', known)).toBe('api_key');
  expect(nearest('model', known)).toBe('models');
  expect(nearest('zebra', known)).toBeUndefined();
});
