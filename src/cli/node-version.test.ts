import { expect, it } from 'vitest';
import packageFile from '../../package.json' with { type: 'json' };
import { nodeProblem } from './node-version.ts';

it('an old Node is told what to do, in one line', () => {
  expect(nodeProblem('20.20.2')).toMatch(
    /^Install Node 24 or later, .* cannot run on Node 20.20.2\.$/,
  );
  expect(nodeProblem('24.0.0')).toBeUndefined();
  expect(nodeProblem('30.1.0')).toBeUndefined();
  expect(packageFile.engines.node).toBe('>=24');
});
