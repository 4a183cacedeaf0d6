import Table from 'cli-table3';
import { stringify } from 'csv-stringify/sync';
import type { LedgerReport, ReportSums } from '../ledger/report.ts';
import { dollars, percent } from './replay-table.ts';

/** The groups of calls that have no name, in people's words. */
const unnamed: Readonly<Record<LedgerReport['by'], string>> = {
  model: '(no model)',
  agent: '(no agent)',
  day: '(no day)',
  mechanism: '(nothing saved)',
  tenant: '(no tenant)',
  team: '(no team)',
  key: '(no key)',
  session: '(no session)',
  provider: '(no provider)',
  outcome: '(no outcome)',
  cause: '(no prefix broken)',
};

/** A report for people. */
export function reportTable(report: LedgerReport): string {
  if (report.lines.length === 0) return 'No calls are booked for that time.';
  const table = new Table({
    head: [
      report.by,
      'calls',
      'reused',
      'cost',
      'without us',
      'saved, measured',
      'saved, estimated',
      'time saved',
      'lost',
      'fresh',
      'cache read',
      'cache write',
      'output',
    ],
    colAligns: ['left', ...Array.from({ length: 12 }, () => 'right' as const)],
    style: { head: [], border: [] },
  });
  for (const line of report.lines) table.push([line.group || unnamed[report.by], ...cells(line)]);
  table.push(['total', ...cells(report.total)]);
  return [table.toString(), ...footnotes(report.total)].join('\n');
}

function cells(sums: ReportSums): string[] {
  const { tokens } = sums;
  return [
    count(sums.calls),
    count(sums.reused),
    amount(sums.cost_usd, sums.unpriced, sums.calls),
    amount(sums.without_usd, sums.without_unknown, sums.calls),
    dollars(sums.saved_measured_usd),
    dollars(sums.saved_estimated_usd),
    `${sums.saved_seconds.toFixed(1)} s`,
    dollars(sums.lost_usd),
    ...[tokens.fresh, tokens.cache_read, tokens.cache_write, tokens.output].map(count),
  ];
}

/** An amount of which some part is not known must not look like the whole. */
function amount(known: number, unknownCalls: number, calls: number): string {
  if (unknownCalls === 0) return dollars(known);
  if (unknownCalls === calls) return 'unknown';
  return `${dollars(known)} + ?`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function footnotes(total: ReportSums): string[] {
  const saved = total.saved_measured_usd + total.saved_estimated_usd;
  const notes = [
    `Saved ${dollars(saved)}, ${percent(saved, total.without_usd)} of what the calls would have cost without us.`,
  ];
  if (total.unpriced > 0) {
    notes.push(
      `The cost of ${count(total.unpriced)} call(s) is not known and not in the sums; \`prices\` in the configuration can name it.`,
    );
  }
  return notes;
}

/** A report for spreadsheets: a line a group and none for the total, so that sums over columns are right. */
export function reportCsv(report: LedgerReport): string {
  const records = report.lines.map(({ group, tokens, ...sums }) => ({
    [report.by]: group,
    ...sums,
    fresh_tokens: tokens.fresh,
    cache_read_tokens: tokens.cache_read,
    cache_write_tokens: tokens.cache_write,
    output_tokens: tokens.output,
  }));
  // Groups are names that callers choose; a spreadsheet must not take one for a formula.
  return stringify(records, {
    header: true,
    escape_formulas: true,
    columns: csvColumns(report.by),
  });
}

function csvColumns(by: string): string[] {
  return [
    by,
    'calls',
    'reused',
    'cost_usd',
    'unpriced',
    'without_usd',
    'without_unknown',
    'saved_measured_usd',
    'saved_estimated_usd',
    'saved_seconds',
    'lost_usd',
    'charged_usd',
    'fresh_tokens',
    'cache_read_tokens',
    'cache_write_tokens',
    'output_tokens',
  ];
}
