import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { print, printError, reportFailure } from './output.ts';

/** One command; its code is loaded only when it is called, so that `economizer --version` answers at once. */
interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const entries: readonly Entry[] = [
  {
    name: 'serve',
    summary: 'Run the gateway.',
    load: async () => (await import('./serve.ts')).serveCommand(),
  },
  {
    name: 'demo',
    summary: 'See agent traffic become cheaper: no key, no network.',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  {
    name: 'replay',
    summary: 'Prove on recorded traffic what would be saved.',
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  {
    name: 'eval',
    summary: 'Measure on your own data how well a part decides.',
    load: async () => (await import('./eval.ts')).evalCommand(),
  },
  {
    name: 'doctor',
    summary: 'Find what breaks the provider’s prompt cache, and what that costs.',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  {
    name: 'report',
    summary: 'Show spend and savings from the ledger.',
    load: async () => {
      const { dataDirectory } = await loadConfig({ environment: processEnvironment() });
      return (await import('./report.ts')).reportCommand({ dataDirectory });
    },
  },
  {
    name: 'check',
    summary: 'Explain every fault of the configuration, or what it amounts to.',
    load: async () => (await import('./check.ts')).checkCommand(),
  },
];

/**
 * Runs `economizer` with the words that followed it.
 * @returns the exit code: 0, 2 where usage or configuration is at fault, else 1.
 */
export async function runProgram(words: readonly string[]): Promise<number> {
  try {
    const program = await programFor(words);
    await program.parseAsync(words, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error);
    // Help and version come as an exception too; commander has printed them, and any usage fault.
    return error.exitCode === 0 ? 0 : 2;
  }
}

async function programFor(words: readonly string[]): Promise<Command> {
  const program = new Command('economizer')
    .description('Makes LLM agents cheaper, with a ledger that proves it.')
    .version(packageVersion(), '-v, --version')
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => printError(text.trimEnd().replace(/^error: /, '')),
    })
    .showHelpAfterError('Run economizer --help, or economizer COMMAND --help.')
    .exitOverride();
  const wanted = words.find((word) => !word.startsWith('-'));
  const isHelp = wanted === 'help';
  for (const { name, summary, load } of entries) {
    const named = name === wanted || (isHelp && words.includes(name));
    const command = named ? await load() : new Command(name);
    program.addCommand(command.summary(summary).copyInheritedSettings(program));
    for (const inner of command.commands) inner.copyInheritedSettings(command);
  }
  return program;
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
