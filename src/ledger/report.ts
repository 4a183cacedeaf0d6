import { usd } from '../kernel/money.ts';
import type { GroupBy, ReportLine } from './store.ts';

/** Sums as people and programs read them: dollars and seconds. */
export interface ReportSums {
  readonly calls: number;
  readonly reused: number;
  readonly cost_usd: number;
  /** Calls whose cost is not known and so not in `cost_usd`. */
  readonly unpriced: number;
  readonly without_usd: number;
  /** Calls of which it is not known what they would have cost without us. */
  readonly without_unknown: number;
  readonly saved_measured_usd: number;
  readonly saved_estimated_usd: number;
  readonly saved_seconds: number;
  /** What broken prefixes cost; part of `cost_usd`. */
  readonly lost_usd: number;
  /** What budgets were charged for these calls. */
  readonly charged_usd: number;
  readonly tokens: {
    readonly fresh: number;
    readonly cache_read: number;
    readonly cache_write: number;
    readonly output: number;
  };
}

export interface LedgerReport {
  readonly by: GroupBy;
  readonly lines: readonly ({ readonly group: string } & ReportSums)[];
  readonly total: ReportSums;
}

/** A report of lines: each in dollars, and their total. Sums are taken in whole nano-dollars before. */
export function ledgerReport(by: GroupBy, lines: readonly ReportLine[]): LedgerReport {
  return {
    by,
    lines: lines.map((line) => ({ group: line.group, ...sumsOf([line]) })),
    total: sumsOf(lines),
  };
}

function sumsOf(lines: readonly ReportLine[]): ReportSums {
  const sum = (of: (line: ReportLine) => number): number =>
    lines.reduce((total, line) => total + of(line), 0);
  return {
    calls: sum((line) => line.calls),
    reused: sum((line) => line.reused),
    cost_usd: usd(sum((line) => line.costNanos)),
    unpriced: sum((line) => line.unpriced),
    without_usd: usd(sum((line) => line.withoutCostNanos)),
    without_unknown: sum((line) => line.withoutUnknown),
    saved_measured_usd: usd(sum((line) => line.savedMeasuredNanos)),
    saved_estimated_usd: usd(sum((line) => line.savedEstimatedNanos)),
    saved_seconds: Math.round(sum((line) => line.savedMs)) / 1000,
    lost_usd: usd(sum((line) => line.lostNanos)),
    charged_usd: usd(sum((line) => line.chargedNanos)),
    tokens: {
      fresh: sum((line) => line.tokens.fresh),
      cache_read: sum((line) => line.tokens.cacheRead),
      cache_write: sum((line) => line.tokens.cacheWrite),
      output: sum((line) => line.tokens.output),
    },
  };
}
