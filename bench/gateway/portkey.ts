import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = join(tmpdir(), 'economizer-bench-portkey');

/**
 * Portkey's gateway from npm, in a folder of its own. A fresh install answers every stream with 500 (Portkey-AI/gateway issue 1389),
 * so its own lock file's versions of two packages are put in. Undefined where it cannot be installed.
 */
export function installPortkey(): string | undefined {
  const start = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (existsSync(start)) return start;
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: 'bench-portkey',
    private: true,
    dependencies: { '@portkey-ai/gateway': '1.15.2' },
    overrides: { '@hono/node-server': '1.13.5', hono: '4.9.7' },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  try {
    execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return start;
}
