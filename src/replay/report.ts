import { usd } from '../kernel/money.ts';
import type { ReplayResult } from './replay.ts';
import type { Side, TokenSums } from './side.ts';

interface SideReport {
  readonly usd: number;
  readonly tokens: TokenSums;
  readonly seconds: number;
}

/** What `replay --json` prints. The names are a contract: other people's scripts read them. */
export interface ReplayReport {
  readonly calls: number;
  readonly answers_changed: number;
  readonly without: SideReport;
  readonly with: SideReport;
  readonly ideal: { readonly usd: number };
  readonly saved: { readonly usd: number; readonly by: Readonly<Record<string, number>> };
}

export function reportOf(result: ReplayResult): ReplayReport {
  return {
    calls: result.calls,
    answers_changed: result.answersChanged,
    without: sideReport(result.without),
    with: sideReport(result.with),
    ideal: { usd: usd(result.idealNanos) },
    saved: {
      usd: usd(result.without.nanos - result.with.nanos),
      by: Object.fromEntries([...result.savedNanos].map(([by, nanos]) => [by, usd(nanos)])),
    },
  };
}

function sideReport(side: Side): SideReport {
  return {
    usd: usd(side.nanos),
    tokens: side.tokens,
    seconds: Math.round(side.seconds * 1000) / 1000,
  };
}
