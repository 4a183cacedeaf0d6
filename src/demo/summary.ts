import type { Mechanism } from '../exchange/account.ts';
import { usd } from '../kernel/money.ts';
import type { LedgerRow } from '../ledger/row.ts';

interface DemoSide {
  /** Calls that went to the provider. */
  readonly calls: number;
  readonly usd: number;
  /** Time that agents waited, summed over the calls. */
  readonly seconds: number;
}

/** What the ledger says of the demo's workload. */
export interface DemoSummary {
  readonly calls: number;
  readonly without: DemoSide;
  readonly with: DemoSide;
  readonly saved: {
    readonly usd: number;
    readonly seconds: number;
    readonly by: Readonly<
      Partial<Record<Mechanism, { calls: number; usd: number; seconds: number }>>
    >;
  };
}

export function summarise(rows: readonly LedgerRow[]): DemoSummary {
  const sums = { costNanos: 0, withoutNanos: 0, ms: 0, withoutMs: 0, reused: 0 };
  const by: Partial<Record<Mechanism, { calls: number; nanos: number; ms: number }>> = {};
  for (const row of rows) {
    const { costNanos = 0, withoutCostNanos = costNanos, totalMs, savedMs = 0, savedBy } = row;
    sums.costNanos += costNanos;
    sums.withoutNanos += withoutCostNanos;
    sums.ms += totalMs;
    sums.withoutMs += totalMs + savedMs;
    if (savedBy === undefined) continue;
    sums.reused++;
    const booked = (by[savedBy] ??= { calls: 0, nanos: 0, ms: 0 });
    booked.calls++;
    booked.nanos += withoutCostNanos - costNanos;
    booked.ms += savedMs;
  }
  return {
    calls: rows.length,
    without: {
      calls: rows.length,
      usd: usd(sums.withoutNanos),
      seconds: secondsOf(sums.withoutMs),
    },
    with: {
      calls: rows.length - sums.reused,
      usd: usd(sums.costNanos),
      seconds: secondsOf(sums.ms),
    },
    saved: {
      usd: usd(sums.withoutNanos - sums.costNanos),
      seconds: secondsOf(sums.withoutMs - sums.ms),
      by: Object.fromEntries(
        Object.entries(by).map(([mechanism, { calls, nanos, ms }]) => [
          mechanism,
          { calls, usd: usd(nanos), seconds: secondsOf(ms) },
        ]),
      ),
    },
  };
}

/** To the millisecond; more would pretend. */
function secondsOf(ms: number): number {
  return Math.round(ms) / 1000;
}
