/** `npm run check`: everything that must hold. `--without tests` leaves the tests to another command. */
import { checkPackage } from './check-package.ts';
import { run, runSteps, type Step } from './steps.ts';

const tests: Step = { name: 'tests', run: () => void run('node', ['scripts/test.ts']) };
const steps: readonly Step[] = [
  { name: 'format', run: () => void run('oxfmt', ['--check']) },
  { name: 'lint', run: () => void run('oxlint', []) },
  { name: 'types', run: () => void run('tsc', ['-p', '.']) },
  ...(process.argv.slice(2).join(' ') === '--without tests' ? [] : [tests]),
  { name: 'dead code', run: () => void run('knip', []) },
  { name: 'package', run: checkPackage },
];

process.exitCode = runSteps(steps);
