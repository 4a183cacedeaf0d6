import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { badKey } from '../access/faults.ts';
import { keyView } from '../access/key-view.ts';
import { createKey, nameOfKey, revokeKey, rotateKey, type KeyMaker } from '../access/lifecycle.ts';
import { newTerms, readTerms } from '../access/read-terms.ts';
import type { KeyStore } from '../access/store.ts';
import { createSqliteKeyStore } from '../access/stores/sqlite.ts';
import { scopes, type KeyTerms } from '../access/terms.ts';
import type { Config } from '../config/config.ts';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { systemClock } from '../kernel/clock.ts';
import { parseDuration } from '../kernel/duration.ts';
import type { JsonObject } from '../kernel/json.ts';
import { keysTable, madeText } from './keys-table.ts';
import { print, printJson } from './output.ts';

interface CommonFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly tenant?: string;
}

interface CreateFlags extends CommonFlags {
  readonly team?: string;
  readonly agent?: string;
  readonly tag?: string[];
  readonly model?: string[];
  readonly provider?: string[];
  readonly scope?: string[];
  readonly expires?: string;
  readonly overridable?: boolean;
}

/** `economizer keys`. Works beside a running gateway, which heeds what changes within a second. */
export function keysCommand(): Command {
  const command = new Command('keys').description(
    'Makes, lists, rotates and revokes the keys that callers of the gateway show.',
  );
  for (const each of [createCommand(), listCommand(), rotateCommand(), revokeCommand()]) {
    command.addCommand(
      each
        .option('--config <file>', 'configuration file (default: economizer.yaml, if there is one)')
        .option('--json', 'print one JSON object'),
    );
  }
  return command;
}

function createCommand(): Command {
  return new Command('create')
    .description('Makes a key and shows it once; only its hash is kept.')
    .argument('[id]', 'a name to tell it by (default: one is made up)')
    .option('--tenant <name>', 'whose key it is (default: default)')
    .option('--team <name>', 'the part of the tenant that its calls are booked to')
    .option('--agent <name>', 'the agent that its calls are booked to')
    .option('--tag <tag...>', 'tags of all its calls')
    .option('--model <pattern...>', 'models that it may use; * stands for anything (default: all)')
    .option('--provider <name...>', 'providers that it may use (default: all)')
    .addOption(
      new Option('--scope <scope...>', 'what it is good for (default: call read)').choices(scopes),
    )
    .option('--expires <when>', 'when it ends: a duration such as 30d, or a time (default: never)')
    .option('--overridable', 'callers may name another agent, and tags beside its own')
    .action((id: string | undefined, flags: CreateFlags) =>
      withStore(flags, async (maker, config) => {
        const now = maker.clock.now();
        const terms = readTerms(fieldsOf(id, flags), newTerms(undefined, maker.random), now);
        checkTerms(terms, config);
        const { text, key } = await createKey(maker, terms);
        if (flags.json === true) printJson({ secret: text, key: keyView(key, now) });
        else print(madeText(text, key));
      }),
    );
}

function listCommand(): Command {
  return new Command('list')
    .description('Lists the keys, those of the configuration too.')
    .option('--tenant <name>', 'only keys of this tenant')
    .action((flags: CommonFlags) =>
      withStore(flags, async ({ store, clock }, { access }) => {
        const keys = [...access.keys, ...(await store.list())].filter(
          ({ tenant }) => flags.tenant === undefined || tenant === flags.tenant,
        );
        const now = clock.now();
        if (flags.json === true) printJson({ keys: keys.map((key) => keyView(key, now)) });
        else print(keysTable(keys, now));
      }),
    );
}

function rotateCommand(): Command {
  return new Command('rotate')
    .description('Gives a key a new text and shows it once; the old one goes on working a while.')
    .argument('<id>', 'its name')
    .option('--tenant <name>', 'whose key it is, where several have one of that name')
    .addOption(
      new Option('--grace <duration>', 'how long the old text goes on working')
        .default(86_400_000, '24h')
        .argParser(grace),
    )
    .action((id: string, flags: CommonFlags & { readonly grace: number }) =>
      withStore(flags, async (maker) => {
        const name = await nameOfKey(maker.store, id, flags.tenant);
        const { text, key } = await rotateKey(maker, name, flags.grace);
        if (flags.json === true) printJson({ secret: text, key: keyView(key, maker.clock.now()) });
        else print(madeText(text, key));
      }),
    );
}

function revokeCommand(): Command {
  return new Command('revoke')
    .description('Ends a key for good, within a second for gateways that run.')
    .argument('<id>', 'its name')
    .option('--tenant <name>', 'whose key it is, where several have one of that name')
    .action((id: string, flags: CommonFlags) =>
      withStore(flags, async (maker) => {
        const name = await nameOfKey(maker.store, id, flags.tenant);
        const key = await revokeKey(maker, name);
        if (flags.json === true) printJson({ key: keyView(key, maker.clock.now()) });
        else print(`The key ${key.id} of the tenant ${key.tenant} is revoked.`);
      }),
    );
}

function grace(text: string): number {
  const ms = /[a-z]/.test(text) ? parseDuration(text) : undefined;
  if (ms !== undefined && ms <= 90 * 86_400_000) return ms;
  throw new InvalidArgumentError('It must be a duration such as 0s, 1h or 7d, at most 90d.');
}

async function withStore(
  { config: file }: CommonFlags,
  act: (maker: KeyMaker, config: Config) => Promise<void>,
): Promise<void> {
  const config = await loadConfig({ file, environment: processEnvironment(), keeps: false });
  const store: KeyStore = createSqliteKeyStore({ path: config.access.storePath });
  try {
    await act({ store, clock: systemClock, random: randomBytes }, config);
  } finally {
    await store.close();
  }
}

function fieldsOf(id: string | undefined, flags: CreateFlags): JsonObject {
  const { tenant, team, agent, tag, model, provider, scope, expires, overridable } = flags;
  return {
    id,
    tenant,
    team,
    agent,
    tags: tag,
    models: model,
    providers: provider,
    scopes: scope,
    expires,
    overridable,
  };
}

/** A provider that is not there would shut the key out without a word, and a name may be taken by the configuration. */
function checkTerms({ id, tenant, providers = [] }: KeyTerms, config: Config): void {
  const names = config.providers.map(({ name }) => name);
  const unknown = providers.find((name) => !names.includes(name));
  if (unknown !== undefined) throw badKey('providers', `some of: ${names.join(', ')}`);
  const isTaken = config.access.keys.some((key) => key.id === id && key.tenant === tenant);
  if (isTaken) throw badKey('id', 'another; the configuration has a key of that name');
}
