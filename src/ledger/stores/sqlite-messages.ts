import type { Segment } from '../journal.ts';
import type { LedgerRow } from '../row.ts';
import type { ReportLine, ReportQuery, Spend, SpendQuery } from '../store.ts';

/** What the ledger's worker can be asked, and what it answers. */
export interface Questions {
  /** Answered when all segments named before are booked. */
  flush: { readonly ask: undefined; readonly answer: undefined };
  report: { readonly ask: ReportQuery; readonly answer: readonly ReportLine[] };
  spend: { readonly ask: SpendQuery; readonly answer: readonly Spend[] };
  charges: { readonly ask: readonly string[]; readonly answer: ReadonlyMap<string, number> };
  recent: { readonly ask: number; readonly answer: readonly LedgerRow[] };
}

export type QuestionName = keyof Questions;

/** To the worker. */
export type WriterTask =
  | { readonly kind: 'book'; readonly segments: readonly Segment[] }
  | { readonly kind: 'forget'; readonly before: number }
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly name: QuestionName;
      readonly ask: unknown;
    }
  | { readonly kind: 'close' };

/** From the worker. */
export type WriterNews =
  | { readonly kind: 'booked'; readonly finished: readonly string[]; readonly unreadable: number }
  | { readonly kind: 'failed'; readonly operation: string; readonly error: Error }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: Error };
