import type { Economics } from '../../src/context/fitting/gate/economics.ts';
import type { SessionShape } from './session.ts';

/** Prices as multiples of two dollars a million tokens; output costs five times the input. */
const fresh = 2_000_000;
const economics = (read: number, write: number, cached = true): Economics => ({
  base: { fresh, read: read * fresh, write: write * fresh, output: 5 * fresh },
  cliffs: [],
  asks: false,
  ttlMs: cached ? 300_000 : 0,
  window: undefined,
});

const cliff = (above: number, input: number, output: number): Economics => {
  const { base, ...rest } = economics(0.05, 1.25);
  const rates = {
    fresh: base.fresh * input,
    read: base.read * input,
    write: base.write * input,
    output: base.output * output,
  };
  return { ...rest, base, cliffs: [{ above, rates }] };
};

export const prices: Readonly<Record<string, Economics>> = {
  'no cache': economics(1, 1, false),
  'reads 0.5, writes 1': economics(0.5, 1),
  'reads 0.1, writes 1': economics(0.1, 1),
  'reads 0.1, writes 1.25': economics(0.1, 1.25),
  'reads 0.05, writes 1.25': economics(0.05, 1.25),
  'reads 0.05, cliff x5 at 100k': cliff(100_000, 5, 5),
  'reads 0.05, cliff x2 at 272k': cliff(272_000, 2, 1.5),
};

const heavy = { head: 15_000, written: 800, result: 5000 };
const light = { head: 15_000, written: 400, result: 1500 };

export const shapes: Readonly<Record<string, SessionShape>> = Object.fromEntries(
  [30, 100].flatMap((calls) =>
    Object.entries({ heavy, light }).flatMap(([weight, each]) =>
      [0, 10].map((coldEvery) => [
        `${calls} calls, ${weight}${coldEvery === 0 ? '' : ', cold every 10th'}`,
        { ...each, calls, coldEvery },
      ]),
    ),
  ),
);
