import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { budgetStoreConformance } from '../conformance.ts';
import { createMemoryBudgetStore, MemoryBacking } from './memory.ts';
import { createSqliteBudgetStore } from './sqlite.ts';

describe('every store of budgets', () => {
  const memory = budgetStoreConformance({
    name: 'memory',
    create({ clock, leaseMs }) {
      const backing = new MemoryBacking();
      return { open: (owner) => createMemoryBudgetStore({ clock, leaseMs, owner, backing }) };
    },
  });
  const sqlite = budgetStoreConformance({
    name: 'sqlite',
    create({ clock, leaseMs }) {
      const directory = mkdtempSync(join(tmpdir(), 'economizer-budget-'));
      const path = join(directory, 'budgets.sqlite');
      return {
        open: (owner) => createSqliteBudgetStore({ path, clock, leaseMs, owner }),
        dispose: () => rmSync(directory, { recursive: true, force: true }),
      };
    },
  });
  for (const { name, run } of [...memory, ...sqlite]) test(name, run);
});
