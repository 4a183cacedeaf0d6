import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { Signals } from '../../kernel/signals.ts';
import { cacheTierConformance } from '../conformance.ts';
import { createMemoryTier } from './memory.ts';
import { createSqliteTier } from './sqlite.ts';

describe('every tier', () => {
  const memory = cacheTierConformance({
    name: 'memory',
    create: (options) => ({ tier: createMemoryTier({ ...options, maxEntries: 10_000 }) }),
  });
  const sqlite = cacheTierConformance({
    name: 'sqlite',
    create(options) {
      const directory = mkdtempSync(join(tmpdir(), 'economizer-tier-'));
      const open = () =>
        createSqliteTier({
          ...options,
          path: join(directory, 'cache.db'),
          signals: new Signals(),
        });
      return {
        tier: open(),
        reopen: open,
        dispose: () => rmSync(directory, { recursive: true, force: true }),
      };
    },
  });
  for (const { name, run } of [...memory, ...sqlite]) test(name, run);
});
