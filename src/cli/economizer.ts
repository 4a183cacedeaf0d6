#!/usr/bin/env node
import { nodeProblem } from './node-version.ts';
import { printError, tolerateClosedOutput } from './output.ts';

tolerateClosedOutput();

const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  // Loaded only now: an older Node lacks modules that it imports.
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(process.argv.slice(2));
} else {
  printError(problem);
  process.exitCode = 2;
}
