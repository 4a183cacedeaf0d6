import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { ErrorCode } from '../kernel/error-codes.ts';
import { print, printError, printJson, reportFailure } from './output.ts';

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
    load: async () => (await import('./report.ts')).reportCommand(),
  },
  {
    name: 'keys',
    summary: 'Make, list, rotate and revoke the keys that callers show.',
    load: async () => (await import('./keys.ts')).keysCommand(),
  },
  {
    name: 'budget',
    summary: 'Show how budgets stand, and pull the emergency switch.',
    load: async () => (await import('./budget.ts')).budgetCommand(),
  },
  {
    name: 'purge',
    summary: 'Take answers out of the cache.',
    load: async () => (await import('./purge.ts')).purgeCommand(),
  },
  {
    name: 'mcp',
    summary: 'Stand in front of an MCP server and keep what its tools give.',
    load: async () => (await import('./mcp.ts')).mcpCommand(),
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
  const wantsJson = words.includes('--json');
  try {
    const program = await programFor(words);
    await program.parseAsync(words, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, { wantsJson });
    // Help and version come as an exception too; commander has printed them, and any usage fault.
    if (error.exitCode === 0) return 0;
    if (wantsJson)
      printJson({
        error: { code: 'ECO_USAGE' satisfies ErrorCode, message: usageText(error.message) },
      });
    return 2;
  }
}

async function programFor(words: readonly string[]): Promise<Command> {
  const program = new Command('economizer')
    .description('Makes LLM agents cheaper, with a ledger that proves it.')
    .version(packageVersion(), '-v, --version')
    .configureOutput({
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => printError(text.trimEnd()),
      outputError: (text) => printError(usageText(text)),
    })
    .exitOverride();
  const wanted = words.find((word) => !word.startsWith('-'));
  const isHelp = wanted === 'help';
  for (const { name, summary, load } of entries) {
    const named = name === wanted || (isHelp && words.includes(name));
    const command = named ? await load() : new Command(name);
    program.addCommand(command.summary(summary).copyInheritedSettings(program));
    passOn(command);
  }
  return program;
}

/** Commands within commands say their faults in the same words. */
function passOn(command: Command): void {
  for (const inner of command.commands) {
    inner.copyInheritedSettings(command);
    passOn(inner);
  }
}

/** Commander's words for a fault of the command line, as a sentence that says what to do. */
function usageText(text: string): string {
  const fault = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  return `Correct the command line: ${fault}; see economizer --help, or economizer COMMAND --help.`;
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
