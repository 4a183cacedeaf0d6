#!/usr/bin/env node
import { printError } from './output.ts';
import { nodeProblem } from './node-version.ts';

const problem = nodeProblem(process.versions.node);
if (problem === undefined) {
  // Loaded only now: an older Node lacks modules that it imports.
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(process.argv.slice(2));
} else {
  printError(problem);
  process.exitCode = 2;
}
