import type { Mechanism } from '../exchange/account.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { NanoUsd } from '../kernel/money.ts';
import type { LedgerRow } from '../ledger/row.ts';
import type { PriceUsage } from '../pipeline/accountant.ts';
import { planCalls } from './planned-call.ts';
import type { RulesOf } from './provider/prefix-cache.ts';
import type { Tokenizer } from './provider/tokenizer.ts';
import type { OpenPipeline } from './open-replay.ts';
import { Side } from './side.ts';
import type { Session } from './traffic.ts';
import { runWithUs } from './with-us.ts';
import { billWithoutUs, type PlainCost } from './without-us.ts';

/**
 * What a saved dollar is booked to: the mechanism that the ledger names or, for calls that went to the provider but were billed
 * otherwise than without us, `provider-cache`: a call that was spared had no part in keeping its prefix hot, or an earlier one found it hot.
 */
export type SavedBy = Mechanism | 'provider-cache';

export interface ReplayResult {
  readonly calls: number;
  readonly answersChanged: number;
  readonly without: Side;
  readonly with: Side;
  readonly idealNanos: NanoUsd;
  /** Signed; the sum is exactly the difference of the two sides. */
  readonly savedNanos: ReadonlyMap<SavedBy, NanoUsd>;
}

export interface ReplayOptions {
  readonly sessions: readonly Session[];
  readonly openPipeline: OpenPipeline;
  readonly tokenizer: Tokenizer;
  readonly rulesOf: RulesOf;
  readonly price: PriceUsage;
  /** The moment at which the traffic is made to begin, milliseconds since the epoch; prices are those of then. */
  readonly startMs: number;
  /** Calls that have ended, of all. */
  readonly onProgress?: (ended: number, calls: number) => void;
}

/**
 * Replays recorded traffic twice, straight to a simulated provider and through the pipeline to an equal one, and compares the bills.
 * @throws EconomizerError `ECO_NO_PRICE` where a model has no known price.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const plan = planCalls(options.sessions, options);
  const plain = billWithoutUs(plan.agenda(), options);
  let ended = 0;
  const { rows, answersChanged } = await runWithUs({
    ...options,
    agenda: plan.agenda(),
    onCallEnded: () => options.onProgress?.(++ended, plan.calls),
  });
  const without = new Side();
  for (const { usage, nanos, waitedMs } of plain.costs.values())
    without.add(usage, nanos, waitedMs);
  return {
    calls: plan.calls,
    answersChanged,
    without,
    idealNanos: plain.idealNanos,
    ...compare(rows, plain.costs),
  };
}

/** Sums up our side and books every difference to what made it. */
function compare(
  rows: readonly LedgerRow[],
  costs: ReadonlyMap<string, PlainCost>,
): Pick<ReplayResult, 'with' | 'savedNanos'> {
  const ours = new Side();
  const booked = new Set(rows.map(({ id }) => id));
  const unbooked = [...costs.keys()].find((id) => !booked.has(id));
  if (unbooked !== undefined) {
    throw new EconomizerError('ECO_INTERNAL', `Call ${unbooked} ended without being booked.`);
  }
  const savedNanos = new Map<SavedBy, NanoUsd>();
  for (const row of rows) {
    const nanos = row.costNanos ?? 0;
    if (row.usage !== undefined) ours.add(row.usage, nanos, row.totalMs);
    const saved = (costs.get(row.id)?.nanos ?? 0) - nanos;
    const by = row.savedBy ?? 'provider-cache';
    if (saved !== 0 || row.savedBy !== undefined) {
      savedNanos.set(by, (savedNanos.get(by) ?? 0) + saved);
    }
  }
  return { with: ours, savedNanos };
}
