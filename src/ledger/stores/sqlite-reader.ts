import { readFileSync } from 'node:fs';
import { journalDirectory, segmentFiles } from '../journal.ts';
import type { LedgerRow } from '../row.ts';
import type { ReportLine, ReportQuery } from '../store.ts';
import { LedgerDatabase } from './sqlite-database.ts';

/** A ledger that is only read, perhaps while a gateway writes it. */
export interface LedgerReader {
  report(query: ReportQuery): readonly ReportLine[];
  /** The newest rows first. */
  recent(limit: number): readonly LedgerRow[];
  /** Calls that are booked in the journal but not yet in the sums of `report`. */
  pending(): number;
  close(): void;
}

/** Opens the ledger for reading. @throws EconomizerError `ECO_FILE` where there is none, or none that this version can read. */
export function openLedgerReader(path: string): LedgerReader {
  const database = new LedgerDatabase({ path, readOnly: true });
  return {
    report: (query) => database.report(query),
    recent: (limit) => database.recent(limit),
    pending() {
      let count = 0;
      for (const { file } of segmentFiles(journalDirectory(path))) {
        const text = textIfThere(file);
        // The last line may be half written at this moment; then its call is not booked either.
        count += database.countMissing(text.slice(0, text.lastIndexOf('\n') + 1));
      }
      return count;
    },
    close: () => database.close(),
  };
}

/** A segment's text; empty when its gateway has just booked and deleted it. */
function textIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
