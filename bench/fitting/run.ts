/**
 * `npm run bench:fitting`: what pruning costs and saves on synthetic agent sessions, ours behind its gate beside policies that
 * prune whatever the prices are. Costs are relative to never pruning. Prints a table and writes the figures.
 *   --out FILE   where the JSON goes (bench/results/fitting.json); the table goes beside it, as .txt
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fixedPolicies, gated, pastOf } from './policies.ts';
import { prices, shapes } from './regimes.ts';
import { billOf } from './session.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(import.meta.dirname, '../results/fitting.json') },
  },
});

interface Regime {
  readonly prices: string;
  readonly session: string;
  readonly best: string;
  readonly ours: number;
  /** Ours before the agent has a past. */
  readonly unlearnt: number;
  readonly fixed: Readonly<Record<string, number>>;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

function regimeOf(priceName: string, sessionName: string): Regime {
  const economics = prices[priceName]!;
  const shape = shapes[sessionName]!;
  const never = billOf(shape, fixedPolicies['never prune']!, economics);
  const fixed = Object.fromEntries(
    Object.entries(fixedPolicies).map(([name, policy]) => [
      name,
      billOf(shape, policy, economics) / never,
    ]),
  );
  const [best] = Object.entries(fixed).toSorted(([, one], [, other]) => one - other)[0]!;
  const past = pastOf(Array.from({ length: 20 }, () => shape.calls));
  return {
    prices: priceName,
    session: sessionName,
    best,
    ours: billOf(shape, gated(economics, past), economics) / never,
    unlearnt: billOf(shape, gated(economics, pastOf([])), economics) / never,
    fixed,
  };
}

const regimes = Object.keys(prices).flatMap((price) =>
  Object.keys(shapes).map((session) => regimeOf(price, session)),
);

const cell = (value: number): string => value.toFixed(2).padStart(6);
const lines = ['Cost relative to never pruning; in brackets before the agent has a past.', ''];
for (const { prices: price, session, best, ours, unlearnt, fixed } of regimes) {
  const naive = fixed['every call, keep 3']!;
  const behind = ours / fixed[best]! - 1;
  const verdict = ours > 1 ? 'DEARER' : behind > 0.1 ? 'BEHIND' : '';
  lines.push(
    `${price.padEnd(30)}${session.padEnd(34)} ours${cell(ours)} (${unlearnt.toFixed(2)})  every call${cell(naive)}  best fixed${cell(fixed[best]!)} (${best}) ${verdict}`,
  );
}
const worst = Math.max(...regimes.map(({ ours }) => ours));
const worstUnlearnt = Math.max(...regimes.map(({ unlearnt }) => unlearnt));
const furthest = Math.max(...regimes.map(({ ours, best, fixed }) => ours / fixed[best]! - 1));
const summary = {
  regimes: regimes.length,
  worstAgainstNever: round(worst),
  worstAgainstNeverUnlearnt: round(worstUnlearnt),
  furthestBehindBestFixed: round(furthest),
};
lines.push('', JSON.stringify(summary));
const table = `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
console.log(table);
const rounded = regimes.map(({ prices: price, session, best, ours, unlearnt, fixed }) => ({
  prices: price,
  session,
  best,
  ours: round(ours),
  unlearnt: round(unlearnt),
  fixed: Object.fromEntries(Object.entries(fixed).map(([name, value]) => [name, round(value)])),
}));
writeFileSync(values.out.replace(/\.json$/, '.txt'), table);
writeFileSync(values.out, `${JSON.stringify({ summary, regimes: rounded }, undefined, 2)}\n`);
