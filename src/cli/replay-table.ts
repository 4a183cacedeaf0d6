import Table from 'cli-table3';
import type { ReplayReport } from '../replay/report.ts';

const explanations: Readonly<Record<string, string>> = {
  'exact-cache': 'the same question had been answered before',
  coalescing: 'the same question was being answered at that moment',
  fitting: 'parts of the history were left out, where that pays',
  breakpoints: 'the provider was asked to keep what comes again',
  'stable-order': 'tools and messages that a client shuffles were put back in order',
  'volatile-repair': 'lines that change were moved behind what does not',
  'fan-out': 'parallel calls waited for the first to warm their prefix',
  'keep-warm': 'a prefix was read again before its time was over',
  'provider-cache':
    "the provider's own prompt cache was hit more (+) or less (-) often than without us",
};

/** A replay's report for people. */
export function replayText(report: ReplayReport): string {
  const sides = new Table({
    head: ['', 'cost', 'fresh', 'cache read', 'cache write', 'output', 'waited'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const [label, side] of [
    ['without Economizer', report.without],
    ['with Economizer', report.with],
  ] as const) {
    const { fresh, cache_read: read, cache_write: written, output } = side.tokens;
    const tokens = [fresh, read, written, output].map((count) => count.toLocaleString('en-US'));
    sides.push([label, dollars(side.usd), ...tokens, `${side.seconds.toFixed(1)} s`]);
  }
  sides.push([{ content: 'every prefix hot' }, dollars(report.ideal.usd), '', '', '', '', '']);
  const lines = [
    `${report.calls.toLocaleString('en-US')} calls; ${answersText(report.answers_changed)}.`,
    '',
    sides.toString(),
    '',
    `Saved ${dollars(report.saved.usd)} (${percent(report.saved.usd, report.without.usd)} of the bill)${bookedTo(report)}`,
  ];
  return lines.join('\n');
}

/** Dollars with as many digits as there is something to see. */
export function dollars(amount: number): string {
  const size = Math.abs(amount);
  const digits = size >= 1 || size === 0 ? 2 : size >= 0.01 ? 4 : 6;
  return `${amount < 0 ? '-' : ''}$${Math.abs(amount).toFixed(digits)}`;
}

/** `part` of `whole`, with one digit. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '0.0 %' : `${((100 * part) / whole).toFixed(1)} %`;
}

function answersText(changed: number): string {
  if (changed === 0) return 'every answer is the recorded one';
  return `${changed} answers are NOT the recorded ones`;
}

function bookedTo({ saved }: ReplayReport): string {
  const booked = Object.entries(saved.by);
  if (booked.length === 0) return '.';
  const lines = booked.map(
    ([by, amount]) => `  ${dollars(amount).padStart(9)}  ${by}: ${explanations[by] ?? by}`,
  );
  return [':', ...lines].join('\n');
}
