import { Command } from 'commander';
import { stateOf } from '../access/key-view.ts';
import type { StoredKey } from '../access/store.ts';
import { createSqliteKeyStore } from '../access/stores/sqlite.ts';
import type { KeyTerms } from '../access/terms.ts';
import type { Config } from '../config/config.ts';
import { processEnvironment } from '../config/environment.ts';
import { faultText } from '../config/fault.ts';
import { configJsonSchema } from '../config/json-schema.ts';
import { inspectConfig } from '../config/load.ts';
import { durationText, sizeText } from '../config/units.ts';
import { usdText } from '../kernel/money.ts';
import { systemClock } from '../kernel/clock.ts';
import { print, printError, printJson } from './output.ts';

interface CheckFlags {
  readonly config?: string;
  readonly schema?: boolean;
  readonly json?: boolean;
}

/** `economizer check` */
export function checkCommand(): Command {
  return new Command('check')
    .description('Explains every fault of the configuration at once, or says what would run.')
    .option('--config <file>', 'configuration file (default: economizer.yaml, if there is one)')
    .option('--schema', 'print the JSON Schema of the file, for editors')
    .option('--json', 'print one JSON object')
    .action(async (flags: CheckFlags) => {
      if (flags.schema === true) printJson(configJsonSchema());
      else await check(flags);
    });
}

async function check(flags: CheckFlags): Promise<void> {
  const loading = await inspectConfig({ file: flags.config, environment: processEnvironment() });
  if (loading.config === undefined) {
    process.exitCode = 2;
    if (flags.json === true)
      printJson({ ok: false, file: loading.fileName, faults: loading.faults });
    else {
      const count =
        loading.faults.length === 1 ? 'this fault' : `these ${loading.faults.length} faults`;
      printError(
        [`Correct ${count}:`, ...loading.faults.map((each) => `  ${faultText(each)}`)].join('\n'),
      );
    }
    return;
  }
  const config = withoutKeys(loading.config);
  if (flags.json === true) printJson({ ok: true, file: loading.fileName, config });
  else print(summary(config, loading.fileName, await storedKeys(config)));
}

/** The configuration as it may be shown: every secret replaced by the word that it is there. */
export function withoutKeys(config: Config): Config {
  return {
    ...config,
    providers: config.providers.map((provider) => ({
      ...provider,
      apiKey: provider.apiKey === undefined ? undefined : '(set)',
      headers: Object.fromEntries(Object.keys(provider.headers).map((name) => [name, '(set)'])),
    })),
  };
}

/** Keys that `economizer keys` made and that still open. */
async function storedKeys({ access }: Config): Promise<readonly StoredKey[]> {
  const store = createSqliteKeyStore({ path: access.storePath });
  try {
    const now = systemClock.now();
    return (await store.list()).filter((key) => stateOf(key, now) === 'active');
  } finally {
    await store.close();
  }
}

function summary(
  config: Config,
  fileName: string | undefined,
  stored: readonly StoredKey[],
): string {
  const { cache, limits } = config;
  const lines = [
    `The configuration is sound (${fileName ?? 'no file; environment and defaults'}).`,
    ...config.warnings.map((warning) => `Warning: ${warning}`),
    '',
    `listen     http://${config.listen.host}:${config.listen.port}`,
    `data       ${config.dataDirectory}`,
    ...config.providers.map((provider, index) => {
      const key = provider.apiKey === undefined ? 'the caller’s own key' : 'key set';
      const models = provider.models.length === 0 ? '' : `, models ${provider.models.join(' ')}`;
      const label = index === 0 ? 'providers' : '';
      return `${label.padEnd(10)} ${provider.name}: ${provider.baseUrl} (${provider.kind}, ${key}${models})`;
    }),
    `access     ${accessText([...config.access.keys, ...stored])}`,
    `cache      ${cacheText(cache)}`,
    ...budgetLines(config),
    `ledger     ${config.ledger.enabled ? 'on' : 'off'}`,
    `limits     body ${sizeText(limits.bodyBytes)}, connect ${durationText(limits.connectMs)}, first byte ${durationText(limits.firstByteMs)}, silence ${durationText(limits.silenceMs)}, total ${limits.totalMs === undefined ? 'none' : durationText(limits.totalMs)}`,
  ];
  return lines.join('\n');
}

function accessText(keys: readonly KeyTerms[]): string {
  if (keys.length === 0) return 'programs on this machine, without keys';
  const shown = keys.slice(0, shownKeys).map(({ id, tenant }) => `${id} (tenant ${tenant})`);
  const more = keys.length > shownKeys ? `, and ${keys.length - shownKeys} more` : '';
  return `keys ${shown.join(', ')}${more}`;
}

const shownKeys = 10;

function budgetLines({ budgets, budgeting }: Config): readonly string[] {
  return budgets.map(({ id, scope, limit, period, timeZone, hard }, index) => {
    const whose = Object.entries(scope)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => `${field} ${value}`)
      .join(', ');
    const label = index === 0 ? 'budgets' : '';
    return `${label.padEnd(10)} ${id}: $${usdText(limit)} ${period} (${timeZone}), ${whose === '' ? 'all calls' : whose}, ${hard ? 'hard' : 'soft'}, in ${budgeting.store}`;
  });
}

function cacheText(cache: Config['cache']): string {
  if (!cache.enabled) return 'off';
  const memory = `memory ${cache.memory.maxEntries} answers, ${sizeText(cache.memory.maxBytes)}`;
  const disk = `disk ${sizeText(cache.disk.maxBytes)} at ${cache.disk.path}`;
  const tiers = [...(cache.memory.enabled ? [memory] : []), ...(cache.disk.enabled ? [disk] : [])];
  return [`fresh for ${durationText(cache.ttlMs)}`, ...tiers].join('; ');
}
