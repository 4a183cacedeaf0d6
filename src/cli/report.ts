import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { ledgerReport } from '../ledger/report.ts';
import { groupings, type GroupBy } from '../ledger/store.ts';
import { openLedgerReader } from '../ledger/stores/sqlite-reader.ts';
import { print, printError, printJson } from './output.ts';
import { reportCsv, reportTable } from './report-table.ts';

interface ReportFlags {
  readonly by: GroupBy;
  readonly from?: number;
  readonly to?: number;
  readonly config?: string;
  readonly data?: string;
  readonly format: 'table' | 'csv' | 'json';
  readonly json?: boolean;
}

/** `economizer report`. Reads only, and so beside a running gateway. */
export function reportCommand(): Command {
  return new Command('report')
    .description('Shows spend and savings from the ledger.')
    .addOption(new Option('--by <what>', 'what to group by').choices(groupings).default('model'))
    .option(
      '--from <time>',
      'first moment, ISO 8601; a day alone means its midnight in UTC',
      moment,
    )
    .option('--to <time>', 'first moment after, ISO 8601', moment)
    .option('--config <file>', 'configuration file (default: economizer.yaml, if there is one)')
    .option('--data <directory>', 'where the ledger is (default: `data` of the configuration)')
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['table', 'csv', 'json'])
        .default('table'),
    )
    .option('--json', 'print one JSON object, as --format json')
    .action(report);
}

async function report(flags: ReportFlags): Promise<void> {
  const reader = openLedgerReader(join(await dataDirectoryOf(flags), 'ledger.sqlite'));
  try {
    const { by, from, to } = flags;
    const lines = reader.report({
      by,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    });
    const pending = reader.pending();
    const result = ledgerReport(by, lines);
    const format = flags.json === true ? 'json' : flags.format;
    if (format === 'json') printJson({ ...result, pending });
    else print((format === 'csv' ? reportCsv(result) : reportTable(result)).trimEnd());
    if (pending > 0 && format !== 'json') printError(pendingText(pending));
  } finally {
    reader.close();
  }
}

async function dataDirectoryOf({ data, config }: ReportFlags): Promise<string> {
  if (data !== undefined) return data;
  const environment = processEnvironment();
  return (await loadConfig({ file: config, environment, keeps: false })).dataDirectory;
}

function pendingText(pending: number): string {
  return `${pending.toLocaleString('en-US')} more call(s) wait in the journal; a running gateway takes them in within a second, another at its start.`;
}

function moment(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError('It must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z.');
  }
  return time;
}
