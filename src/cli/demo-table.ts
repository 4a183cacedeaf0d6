import Table from 'cli-table3';
import type { DemoSummary } from '../demo/summary.ts';
import { dollars, percent } from './replay-table.ts';

const reasons: Readonly<Record<string, string>> = {
  'exact-cache': 'The same question came again, so the stored answer went out instead of a call.',
  coalescing: 'Agents asked the same at the same moment, so one call answered them all.',
};

/** The demo's result for a newcomer. */
export function demoText(summary: DemoSummary, speed: number): string {
  const { without, saved } = summary;
  const sides = new Table({
    head: ['', 'calls to the provider', 'cost', 'agents waited'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  sides.push(
    ['without Economizer', without.calls, dollars(without.usd), seconds(without.seconds)],
    [
      'with Economizer',
      summary.with.calls,
      dollars(summary.with.usd),
      seconds(summary.with.seconds),
    ],
    [
      'saved',
      percent(without.calls - summary.with.calls, without.calls),
      percent(saved.usd, without.usd),
      percent(saved.seconds, without.seconds),
    ],
  );
  const mechanisms = new Table({
    head: ['saved by', 'calls', 'cost', 'why'],
    colAligns: ['left', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  });
  for (const [mechanism, { calls, usd }] of Object.entries(saved.by)) {
    mechanisms.push([mechanism, calls, dollars(usd), reasons[mechanism] ?? '']);
  }
  return [
    `${summary.calls} calls of sample agents, as the ledger booked them:`,
    '',
    sides.toString(),
    '',
    mechanisms.toString(),
    '',
    `The provider is simulated: it answers ${speed} times as fast as a real one, and bills at real prices, prompt cache included.`,
  ].join('\n');
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
