import { noUsage } from '../exchange/usage.ts';
import type { LedgerRow } from './row.ts';

/** A row for tests: a priced call on the first of January 2026, with what `changes` says instead. */
export function sampleRow(changes: Partial<LedgerRow> = {}): LedgerRow {
  const usage = {
    ...noUsage,
    fresh: 100,
    cacheRead: 50,
    cacheWrite5m: 7,
    cacheWrite1h: 3,
    output: 20,
  };
  return {
    id: 'row-1',
    at: Date.UTC(2026, 0, 1, 12),
    tenant: 'default',
    team: 'research',
    key: 'nightly-runs',
    agent: 'planner',
    session: 'session-1',
    tags: ['nightly', 'team:"x"\n'],
    provider: 'openai',
    dialect: 'openai-chat',
    path: '/v1/chat/completions',
    modelAsked: 'gpt-5',
    modelServed: 'gpt-5-2025-08-07',
    serviceTier: 'default',
    streamed: true,
    outcome: 'ok',
    errorCode: undefined,
    status: 200,
    source: 'upstream',
    usage,
    usageSource: 'provider',
    costNanos: 1000,
    withoutUsage: usage,
    withoutCostNanos: 1000,
    withoutMs: 812.25,
    savedNanos: 0,
    savedMs: undefined,
    savedBy: undefined,
    savedBasis: undefined,
    firstByteMs: 120.5,
    lostCause: undefined,
    lostTokens: undefined,
    lostNanos: undefined,
    predictedNanos: undefined,
    chargedNanos: undefined,
    totalMs: 812.25,
    ownMs: 0.375,
    ...changes,
  };
}

/** A row of a call that was answered from the cache. */
export function sampleReuse(changes: Partial<LedgerRow> = {}): LedgerRow {
  return sampleRow({
    id: 'row-2',
    source: 'l1',
    usage: noUsage,
    costNanos: 0,
    withoutUsage: { ...noUsage, fresh: 160, output: 20 },
    savedNanos: 1000,
    savedMs: 811,
    savedBy: 'exact-cache',
    savedBasis: 'measured',
    ...changes,
  });
}
