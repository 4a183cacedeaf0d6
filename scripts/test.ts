/** Runs the tests; words that follow go to vitest. The last line is `N passed, N failed`, for whoever counts. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './steps.ts';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

const file = join(mkdtempSync(join(tmpdir(), 'economizer-tests-')), 'report.json');
const words = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
try {
  run('vitest', [...words, ...process.argv.slice(2)]);
} catch {
  // Vitest has told why, and the report has the count.
  process.exitCode = 1;
}

const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
/** A file that cannot even be loaded has no failed test, yet it has failed. */
const unloadable = report.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
).length;
const failed = report.numFailedTests + unloadable;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
