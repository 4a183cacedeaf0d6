import type { LedgerStore } from '../store.ts';
import { LedgerDatabase } from './sqlite-database.ts';
import { journalLine } from './sqlite-rows.ts';

/** Rows in a SQLite file, written and read in the calling thread: for tools and tests. The gateway uses `createLedger`. */
export function createSqliteLedgerStore(options: { readonly path: string }): LedgerStore {
  const database = new LedgerDatabase(options);
  return {
    async append(rows) {
      database.insertLines(rows.map(journalLine).join(''));
    },
    report: async (query) => database.report(query),
    spend: async (query) => database.spend(query),
    charges: async (ids) => database.charges(ids),
    recent: async (limit) => database.recent(limit),
    close: async () => database.close(),
  };
}
