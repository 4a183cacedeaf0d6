import type { Mechanism, Outcome, Source } from '../exchange/account.ts';
import type { DialectName } from '../exchange/dialect.ts';
import type { Usage, UsageSource } from '../exchange/usage.ts';
import type { NanoUsd } from '../kernel/money.ts';

/** One call in the ledger. Undefined means not known, never zero. Times of day are milliseconds since the epoch, spans milliseconds. */
export interface LedgerRow {
  readonly id: string;
  readonly at: number;
  readonly tenant: string;
  readonly team: string | undefined;
  /** Name of the virtual key that was shown. */
  readonly key: string | undefined;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  readonly tags: readonly string[];
  readonly provider: string;
  /** Undefined for paths that passed untouched. */
  readonly dialect: DialectName | undefined;
  readonly path: string;
  readonly modelAsked: string | undefined;
  readonly modelServed: string | undefined;
  readonly serviceTier: string | undefined;
  readonly streamed: boolean;
  readonly outcome: Outcome;
  readonly errorCode: string | undefined;
  readonly status: number | undefined;
  readonly source: Source;
  /** What the provider will bill. */
  readonly usage: Usage | undefined;
  readonly usageSource: UsageSource | undefined;
  readonly costNanos: NanoUsd | undefined;
  /** What budgets were charged for the call, where that is not its cost. */
  readonly chargedNanos: NanoUsd | undefined;
  /** The counterfactual: the same call without us. */
  readonly withoutUsage: Usage | undefined;
  readonly withoutCostNanos: NanoUsd | undefined;
  readonly withoutMs: number | undefined;
  /** `withoutCostNanos - costNanos`, signed, booked to `savedBy` alone. */
  readonly savedNanos: NanoUsd | undefined;
  readonly savedMs: number | undefined;
  readonly savedBy: Mechanism | undefined;
  readonly savedBasis: 'measured' | 'estimated' | undefined;
  readonly firstByteMs: number | undefined;
  readonly totalMs: number;
  /** Our own part of it: before the request left and after the provider's last byte came. */
  readonly ownMs: number;
  /** What broke the provider's prefix cache, and what that cost; undefined where nothing did. */
  readonly lostCause: string | undefined;
  readonly lostTokens: number | undefined;
  readonly lostNanos: NanoUsd | undefined;
  /** What an edit that was made at this call is expected to save in the end, this call and those to come together. */
  readonly predictedNanos: NanoUsd | undefined;
}
