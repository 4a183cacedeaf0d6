import { EconomizerError } from '../kernel/errors.ts';

/** The only place of the house that writes to the terminal on a command's behalf. */

/** Writes lines for people, or for the next program, to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

let hasPrintedJson = false;

/** Writes one JSON object, indented, to standard output. */
export function printJson(value: unknown): void {
  hasPrintedJson = true;
  print(JSON.stringify(value, undefined, 2));
}

/** Writes to standard error, where it does not mix with a command's result. */
export function printError(text: string): void {
  writeError(`${text}\n`);
}

/** Writes to standard error as it is. */
export function writeError(text: string): void {
  process.stderr.write(text);
}

/**
 * Output that nobody takes any more (`economizer report | head`, a log whose reader has gone) is dropped and does not end the process, least of
 * all a gateway with calls in flight. Output that cannot be written for another reason fails the command.
 */
export function tolerateClosedOutput(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.exitCode = 1;
    printError(`Give standard output room; it cannot be written (${error.code ?? error.message}).`);
  });
}

/** Ends a command whose usage or configuration is at fault with 2, any other failure with 1. */
export function exitCodeOf(error: EconomizerError): 1 | 2 {
  return error.kind === 'config' || error.kind === 'invalid' ? 2 : 1;
}

/**
 * Reports a failure: the first line says what to do, the second which code to look up. What went wrong underneath is
 * shown for our own faults only, where it is all that a report of the fault can go by.
 * @returns the exit code.
 */
export function reportFailure(
  failure: unknown,
  { wantsJson = false }: { readonly wantsJson?: boolean } = {},
): 1 | 2 {
  const error = EconomizerError.from(failure);
  printError(`${error.message}\n(${error.code}; see docs/reference/errors.md)`);
  if (error.kind === 'broken' && error.cause instanceof Error) {
    printError(error.cause.stack ?? error.cause.message);
  }
  // Standard output has one object with `--json`, whatever happens.
  if (wantsJson && !hasPrintedJson) {
    printJson({ error: { code: error.code, message: error.message } });
  }
  return exitCodeOf(error);
}
