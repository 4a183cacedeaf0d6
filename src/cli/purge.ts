import { Command, InvalidArgumentError } from 'commander';
import type { PurgeReport } from '../cache/invalidation/purger.ts';
import type { PurgeRequest } from '../cache/invalidation/purge-request.ts';
import { openPurger } from '../assembly/cache-parts.ts';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { systemClock } from '../kernel/clock.ts';
import { parseDuration } from '../kernel/duration.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { Signals } from '../kernel/signals.ts';
import { print, printError, printJson } from './output.ts';

interface PurgeFlags {
  readonly key?: readonly string[];
  readonly tag?: readonly string[];
  readonly model?: readonly string[];
  readonly agent?: readonly string[];
  readonly prefix?: readonly string[];
  readonly policy?: readonly string[];
  readonly team?: readonly string[];
  readonly tenant?: string;
  readonly olderThan?: number;
  readonly all?: boolean;
  readonly soft?: boolean;
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** `economizer purge`. Works on the data directory, and on the Redis of the configuration; a gateway that runs there sees it at once. */
export function purgeCommand(): Command {
  return new Command('purge')
    .description(
      'Takes answers out of the cache, in every level that outlives a process. A gateway that runs on the same data directory or Redis serves none of them from then on.',
    )
    .option('--key <keys...>', 'keys, as Cache-Status tells them with cache.show_keys')
    .option('--tag <tags...>', 'names that callers gave (x-economizer-cache-tags)')
    .option('--model <models...>', 'models, as asked for or as served; * at the end is anything')
    .option('--agent <agents...>', 'agents; * at the end is anything')
    .option('--prefix <prefixes...>', 'beginnings of tags, models, agents, teams and policies')
    .option('--policy <policies...>', 'cache policies')
    .option('--team <teams...>', 'teams')
    .option('--tenant <tenant>', 'only in this tenant; alone: all of it')
    .option('--older-than <age>', 'only what was stored at least so long ago, such as 1h', age)
    .option('--all', 'everything; must be said where nothing else is')
    .option('--soft', 'past its time instead of gone')
    .option('--dry-run', 'only count')
    .option('--config <file>', 'configuration file (default: economizer.yaml, if there is one)')
    .option('--data <directory>', 'data directory (default: `data` of the configuration)')
    .option('--json', 'print one JSON object')
    .action(purge);
}

async function purge(flags: PurgeFlags): Promise<void> {
  const environment = processEnvironment();
  const { data } = flags;
  const config = await loadConfig({
    file: flags.config,
    environment: data === undefined ? environment : { ...environment, ECONOMIZER_DATA: data },
  });
  const signals = new Signals();
  const failures: unknown[] = [];
  signals.on('part-failed', ({ error }) => failures.push(error));
  const parts = await openPurger({ config, clock: systemClock, signals });
  try {
    const request = requestOf(flags);
    const isDry = flags.dryRun === true;
    const report = isDry ? await parts.purger.count(request) : await parts.purger.purge(request);
    if (flags.json === true) printJson(report);
    else print(purgeText(report));
    if (!report.told_others || Object.values(report.targets).includes('failed')) {
      throw halfDone(failures);
    }
  } finally {
    await parts.close();
  }
}

function requestOf(flags: PurgeFlags): PurgeRequest {
  return {
    keys: flags.key,
    tags: flags.tag,
    models: flags.model,
    agents: flags.agent,
    prefixes: flags.prefix,
    policies: flags.policy,
    teams: flags.team,
    tenant: flags.tenant,
    olderThanMs: flags.olderThan,
    all: flags.all,
    soft: flags.soft,
  };
}

/** What was purged, for people. */
export function purgeText({ dry_run, soft, entries, targets }: PurgeReport): string {
  const verb = dry_run ? 'Would take out' : soft ? 'Past their time now:' : 'Taken out:';
  const counted = Object.entries(entries).map(
    ([tier, count]) =>
      `${count === null ? 'an unknown number' : count.toLocaleString('en-US')} in ${tier}`,
  );
  const told = Object.entries(targets).map(([name, outcome]) => `${name} ${outcome}`);
  const where =
    counted.length === 0 ? 'nothing is kept beyond a running gateway' : counted.join(', ');
  return [`${verb} ${where}.`, ...told].join('\n');
}

function halfDone(failures: readonly unknown[]): EconomizerError {
  printError('Not everybody was told; run the same command again.');
  return new EconomizerError(
    'ECO_CACHE_PURGE',
    'The purge holds here, but what gateways share could not be asked; run it again when it can.',
    { cause: failures[0] },
  );
}

function age(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration such as 30m or 1h.');
  return ms;
}
