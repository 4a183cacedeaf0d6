import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { assemble } from '../assembly/assembly.ts';
import type { Config } from '../config/config.ts';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { systemClock } from '../kernel/clock.ts';
import { prefixRules } from '../ledger/prefix-rules.ts';
import { createPriceBook } from '../ledger/price-book.ts';
import { usagePricer } from '../ledger/usage-pricer.ts';
import type { OpenPipeline } from '../replay/open-replay.ts';
import { loadTokenizer } from '../replay/provider/tokenizer.ts';
import { replay } from '../replay/replay.ts';
import { reportOf, type ReplayReport } from '../replay/report.ts';
import { readTraffic } from '../replay/traffic.ts';
import { print, printJson } from './output.ts';
import { replayToolFiles, toolReplayText } from './replay-tools.ts';
import { startProgress } from './progress.ts';
import { replayText } from './replay-table.ts';
import { trafficFormats } from './traffic-formats.ts';

interface ReplayFlags {
  readonly model?: string;
  readonly config?: string;
  readonly tools?: boolean;
  readonly reading?: readonly string[];
  readonly json?: boolean;
}

/** `economizer replay` */
export function replayCommand(): Command {
  return new Command('replay')
    .description(
      'Sends recorded traffic through the real pipeline to a simulated provider that bills like real ones, and compares the bills.',
    )
    .argument('<file...>', 'traffic as JSON lines, plain, .gz or .zst; - is standard input')
    .option(
      '--model <model>',
      'price the traffic as this model, and ask in the form of its provider',
    )
    .option(
      '--config <file>',
      'replay with the settings of this configuration (default: those that are recommended, with all care that leaves prompts as they are)',
    )
    .option(
      '--tools',
      'instead of the calls of models, replay the calls of tools as cached tools (economizer.tool)',
    )
    .option(
      '--reading <names...>',
      'with --tools: the tools that change nothing (default: those whose names say so)',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', trafficFormats)
    .action(async (files: string[], flags: ReplayFlags) => {
      const loaded = await loadConfig({
        file: flags.config,
        environment: processEnvironment(),
        keeps: false,
      });
      if (flags.tools === true) {
        const tools = await replayToolFiles(files, { reading: flags.reading, config: loaded });
        if (flags.json === true) printJson(tools);
        else print(toolReplayText(tools));
        return;
      }
      const config = flags.config === undefined ? withRecommendedCare(loaded) : loaded;
      const report = await replayFiles(files, { model: flags.model, config });
      if (flags.json === true) printJson(report);
      else print(replayText(report));
    });
}

/** What switching on all care that leaves a prompt's meaning alone would save. */
export function withRecommendedCare(config: Config): Config {
  const recommended = { breakpoints: true, order: true, affinity: true, fanOut: true };
  return { ...config, care: { ...config.care, ...recommended } };
}

/** Replays the files at today's prices with the cache policy and the prices of the configuration. */
export async function replayFiles(
  files: readonly string[],
  options: { readonly model: string | undefined; readonly config: Config },
): Promise<ReplayReport> {
  const { model, config } = options;
  const sessions = await readTraffic(files, { model, standardInput: process.stdin });
  const progress = startProgress('calls');
  try {
    const result = await replay({
      sessions,
      openPipeline: openWith(config),
      tokenizer: await loadTokenizer(),
      rulesOf: prefixRules,
      price: usagePricer(createPriceBook({ overrides: config.prices })),
      startMs: systemClock.now(),
      onProgress: (ended, calls) => progress.show(ended, calls),
    });
    return reportOf(result);
  } finally {
    progress.stop();
  }
}

/** The gateway's own pipeline, with its cache in memory only and no ledger on disk: a replay leaves nothing behind. */
function openWith(config: Config): OpenPipeline {
  return async ({ upstream, clock, signals }) => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'economizer-replay-'));
    const assembly = assemble({
      config: {
        ...config,
        dataDirectory,
        cache: { ...config.cache, disk: { ...config.cache.disk, enabled: false } },
        ledger: { ...config.ledger, enabled: false },
      },
      clock,
      signals,
      upstream,
    });
    return {
      run: (call) => assembly.pipeline.run(call),
      async close() {
        await assembly.close();
        await rm(dataDirectory, { recursive: true, force: true });
      },
    };
  };
}
