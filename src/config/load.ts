import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EconomizerError } from '../kernel/errors.ts';
import type { Config } from './config.ts';
import { variable, type Environment } from './environment.ts';
import { faultText, type Fault } from './fault.ts';
import type { ListenFlags } from './flags.ts';
import { readConfig, type Reading } from './read.ts';
import type { ConfigFile } from './schema.ts';

const usualFile = 'economizer.yaml';

export interface LoadOptions {
  /** The file that the user named, if any; else `ECONOMIZER_CONFIG`, else `economizer.yaml` if it is there, else none. */
  readonly file?: string | undefined;
  readonly environment: Environment;
  readonly flags?: ListenFlags;
  /** Default: the working directory. */
  readonly directory?: string;
  /** False for a command that keeps nothing where the configuration says. Default: true. */
  readonly keeps?: boolean;
}

/** A reading, with the name of the file it is of. */
export type Loading = Reading & { readonly fileName: string | undefined };

/** Finds and reads the configuration; faults come back, also that the file cannot be read. */
export async function inspectConfig(options: LoadOptions): Promise<Loading> {
  const directory = options.directory ?? process.cwd();
  const named = options.file ?? variable(options.environment, 'ECONOMIZER_CONFIG');
  const fileName = named ?? usualFile;
  let text: string | undefined;
  try {
    text = await readFile(resolve(directory, fileName), 'utf8');
  } catch (error) {
    if (named !== undefined || !isMissing(error)) {
      return { config: undefined, faults: [unreadable(fileName, error)], fileName };
    }
  }
  const { environment, flags = {}, keeps = true } = options;
  const reading = readConfig({ text, fileName, environment, flags, directory, keeps });
  return { ...reading, fileName: text === undefined ? undefined : fileName };
}

/**
 * The configuration that holds here.
 * @throws EconomizerError `ECO_CONFIG` that names every fault.
 */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  return configOrThrow(await inspectConfig(options));
}

/**
 * The configuration that values in the file's notation stand for; for programs and tests.
 * @throws EconomizerError `ECO_CONFIG` that names every fault.
 */
export function configOf(values: ConfigFile, environment: Environment = {}): Config {
  return configOrThrow(readConfig({ text: JSON.stringify(values), environment }));
}

function configOrThrow(reading: Reading): Config {
  if (reading.config !== undefined) return reading.config;
  const count = reading.faults.length === 1 ? 'a fault' : `${reading.faults.length} faults`;
  const lines = reading.faults.map((fault) => `  ${faultText(fault)}`);
  throw new EconomizerError(
    'ECO_CONFIG',
    [`Correct the configuration; it has ${count}:`, ...lines].join('\n'),
    { param: reading.faults[0].path },
  );
}

const unreadableBecause: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory; name a file in it',
  EACCES: 'this user may not read it',
};

function unreadable(fileName: string, error: unknown): Fault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const why = unreadableBecause[String(code)] ?? String(error);
  return {
    path: '',
    source: fileName,
    line: undefined,
    column: undefined,
    value: undefined,
    problem: `cannot be read: ${why}`,
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
