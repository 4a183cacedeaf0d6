import { expect, it } from 'vitest';
import type { KeyName } from '../access/store.ts';
import { everyQuery, queriesOf } from '../cache/edge/public-answers.ts';
import { everyTenant } from '../cache/invalidation/purge-table.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { KeyEndings } from './key-endings.ts';

it('the edge is told of all keys at the start, then of each that changes, until the end', () => {
  const clock = new SimulatedClock();
  const told: unknown[] = [];
  const changed: KeyName[] = [];
  let onChange: (key: KeyName) => void = () => {};
  let looks = 0;
  const endings = new KeyEndings({
    keyring: {
      watch: (listener) => void (onChange = listener),
      look() {
        looks++;
        for (const key of changed.splice(0)) onChange(key);
      },
    },
    keptQueries: {
      name: 'edge',
      // What fails is told again by the target itself.
      purge: (selected, options) => {
        told.push([...selected, options]);
        return Promise.reject(new Error('down'));
      },
    },
    clock,
  });
  endings.start();
  expect(told).toEqual([
    [
      { tenant: everyTenant, selector: everyQuery },
      { soft: false, once: true },
    ],
  ]);
  const key = { tenant: 'acme', id: 'ann' };
  changed.push(key);
  clock.advance(500);
  expect(told.slice(1)).toEqual([
    [
      { tenant: 'acme', selector: queriesOf(key) },
      { soft: false, once: false },
    ],
  ]);
  clock.advance(500);
  expect(looks).toBe(2);
  endings.close();
  changed.push(key);
  clock.advance(5000);
  expect([looks, told.length]).toEqual([2, 2]);
});
