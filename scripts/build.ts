/** Builds `dist/` anew from `src/`. */
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './steps.ts';

rmSync(join(root, 'dist'), { recursive: true, force: true });
run('tsc', ['-p', 'tsconfig.build.json']);
chmodSync(join(root, 'dist/cli/economizer.js'), 0o755);
