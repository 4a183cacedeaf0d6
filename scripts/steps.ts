import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..');

/** The project's own tools go first, so that scripts and npm use the Node that the project asks for. */
const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(':');

export interface RunOptions {
  /** Default: the root of the repository. */
  readonly directory?: string;
  /** Keeps the output for the caller instead of showing it. */
  readonly quiet?: boolean;
}

/**
 * Runs a command to its end.
 * @returns its standard output where it is kept (`quiet`), else an empty text.
 * @throws Error when it fails, with what it wrote if that was kept.
 */
export function run(command: string, words: readonly string[], options: RunOptions = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    cwd: options.directory ?? root,
    env: { ...process.env, PATH: path },
    stdio: options.quiet === true ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw new Error(`${command} cannot be run`, { cause: error });
  if (status !== 0) {
    throw new Error(
      `${command} ${words.join(' ')} ended with ${status}\n${stdout ?? ''}${stderr ?? ''}`,
    );
  }
  return stdout ?? '';
}

export interface Step {
  readonly name: string;
  readonly run: () => void;
}

/** Runs steps in order under a heading each, stops at the first that fails, and sums up. @returns the exit code. */
export function runSteps(steps: readonly Step[]): 0 | 1 {
  const done: string[] = [];
  for (const step of steps) {
    const started = performance.now();
    console.log(`\n== ${step.name}`);
    try {
      step.run();
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      console.error(`\nFailed: ${step.name}. Passed before it: ${done.join(', ') || 'nothing'}.`);
      return 1;
    }
    done.push(`${step.name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  }
  console.log(`\nAll passed: ${done.join(', ')}.`);
  return 0;
}
