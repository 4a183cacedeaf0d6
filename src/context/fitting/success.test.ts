import { expect, it } from 'vitest';
import { Success } from './success.ts';

const day = 24 * 3_600_000;

it('a class of edits that loses money switches itself off, says so, and is tried again after a day', () => {
  const told: string[] = [];
  const success = new Success((edits, isOff) => told.push(`${edits} ${isOff ? 'off' : 'on'}`));
  for (let batch = 0; batch < 4; batch++) success.judge('batch', 100, -10, 0);
  expect(success.allows('batch', 0)).toBe(true);
  success.judge('batch', 100, -10, 0);
  expect(success.allows('batch', 1)).toBe(false);
  expect(success.allows('cold', 1)).toBe(true);
  expect(success.records().get('batch')).toMatchObject({ batches: 5, isOff: true });
  expect(told).toEqual(['batch off']);
  expect(success.allows('batch', day)).toBe(true);
  expect(told).toEqual(['batch off', 'batch on']);
});

it('one that earns on the whole stays, and a window has no choice', () => {
  const success = new Success(() => {
    throw new Error('nobody was switched off');
  });
  for (let batch = 0; batch < 20; batch++) success.judge('cold', 50, batch % 2 === 0 ? 90 : -40, 0);
  for (let batch = 0; batch < 20; batch++) success.judge('window', 0, -90, 0);
  expect(success.allows('cold', 0)).toBe(true);
  expect(success.allows('window', 0)).toBe(true);
});
