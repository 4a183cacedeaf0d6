import Table from 'cli-table3';
import type { CulpritReport, DoctorReport } from '../replay/doctor/report.ts';
import { dollars, percent } from './replay-table.ts';

/** A diagnosis for people. */
export function doctorText(report: DoctorReport): string {
  const { calls, sessions, paid, lost, culprits } = report;
  const head = `${calls.toLocaleString('en-US')} calls in ${sessions.toLocaleString('en-US')} conversations cost ${dollars(paid.usd)}.`;
  if (culprits.length === 0) return `${head} Every prefix that could be read was read.`;
  const table = new Table({
    head: ['lost', 'calls', 'culprit', 'first seen at'],
    colAligns: ['right', 'right', 'left', 'left'],
    style: { head: [], border: [] },
  });
  for (const culprit of culprits) {
    const { what, place } = culprit;
    table.push([dollars(culprit.usd), culprit.calls.toLocaleString('en-US'), what, place]);
  }
  return [
    `${head} ${dollars(lost.usd)} of it (${percent(lost.usd, paid.usd)}) went for prefixes that the provider's prompt cache could have had.`,
    '',
    table.toString(),
    ...culprits.flatMap(detail),
  ].join('\n');
}

function detail({ cause, example, remedy, repair }: CulpritReport): string[] {
  return [
    '',
    `${cause}: ${remedy}`,
    ...(example === '' ? [] : [`  ${example}`]),
    ...repair.map((line) => `  ${line}`),
  ];
}
