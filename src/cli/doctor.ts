import { Command } from 'commander';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/config.ts';
import { systemClock } from '../kernel/clock.ts';
import { pricedCacheRules } from '../ledger/cache-terms.ts';
import { costOf } from '../ledger/cost.ts';
import { prefixRules } from '../ledger/prefix-rules.ts';
import { createPriceBook } from '../ledger/price-book.ts';
import { diagnose } from '../replay/doctor/diagnose.ts';
import { doctorReport, type DoctorReport } from '../replay/doctor/report.ts';
import { loadTokenizer } from '../replay/provider/tokenizer.ts';
import { readTraffic } from '../replay/traffic.ts';
import { doctorText } from './doctor-table.ts';
import { print, printJson } from './output.ts';
import { startProgress } from './progress.ts';
import { trafficFormats } from './traffic-formats.ts';

interface DoctorFlags {
  readonly model?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** `economizer doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Finds in recorded traffic what breaks the provider’s prompt cache, and what that costs.',
    )
    .argument('<file...>', 'traffic as JSON lines, plain, .gz or .zst; - is standard input')
    .option(
      '--model <model>',
      'price the traffic as this model, and ask in the form of its provider',
    )
    .option('--config <file>', 'configuration file, for its prices')
    .option('--json', 'print one JSON object')
    .addHelpText('after', trafficFormats)
    .action(async (files: string[], flags: DoctorFlags) => {
      const config = await loadConfig({
        file: flags.config,
        environment: processEnvironment(),
        keeps: false,
      });
      const report = await examineFiles(files, { model: flags.model, config });
      if (flags.json === true) printJson(report);
      else print(doctorText(report));
    });
}

/** Examines the files at today's prices. */
export async function examineFiles(
  files: readonly string[],
  options: { readonly model: string | undefined; readonly config: Config },
): Promise<DoctorReport> {
  const { model, config } = options;
  const sessions = await readTraffic(files, { model, standardInput: process.stdin });
  const book = createPriceBook({ overrides: config.prices });
  const progress = startProgress('calls');
  try {
    const diagnosis = diagnose({
      sessions,
      tokenizer: await loadTokenizer(),
      rulesOf: prefixRules,
      terms: (question) => pricedCacheRules(book, question),
      price: ({ usage, ...question }) => {
        const price = book.find(question);
        return price === undefined ? undefined : costOf(usage, price);
      },
      startMs: systemClock.now(),
      trustsUsage: model === undefined,
      onProgress: (ended, calls) => progress.show(ended, calls),
    });
    return doctorReport(diagnosis);
  } finally {
    progress.stop();
  }
}
