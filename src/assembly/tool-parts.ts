import { ToolCache, type ToolBooking } from '../cache/tools/tool-cache.ts';
import { ToolWrites } from '../cache/tools/touched.ts';
import type { CacheParts } from './cache-parts.ts';
import { noUsage } from '../exchange/usage.ts';
import type { Clock } from '../kernel/clock.ts';
import { newId } from '../kernel/ids.ts';
import type { Signals } from '../kernel/signals.ts';
import type { LedgerRow } from '../ledger/row.ts';
import type { Books } from '../pipeline/book.ts';

/** What a provider is called that is no provider: the tool itself. */
const provider = 'tool';

export interface ToolPartsOptions {
  readonly cache: CacheParts;
  readonly secret: { readonly current: string };
  readonly books: Books;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** What tools need of the house: where results are kept, and how what changes things is told. */
export interface ToolParts {
  readonly cache: ToolCache;
  newWrites(): ToolWrites;
}

/** Results of tools in the house's own tiers, booked in its ledger. */
export function openTools({ cache, secret, books, clock, signals }: ToolPartsOptions): ToolParts {
  const results = new ToolCache({
    stack: cache.faces.stack,
    purges: cache.purges,
    policy: cache.forPipeline.policies.named('tool-results'),
    secret,
    clock,
    random: cache.forPipeline.random,
    book(booking) {
      const row = toolRow(booking, clock.now());
      signals.emit('call-ended', { row });
      void books.book(row);
    },
  });
  const { purges } = cache;
  return { cache: results, newWrites: () => new ToolWrites({ purges, clock, signals }) };
}

/** A call of a tool as a row of the ledger: no tokens, the price of the call if it has one, and the time that its real call took. */
export function toolRow(booking: ToolBooking, now: number): LedgerRow {
  const { caller, source, outcome, totalMs, realMs, priceNanos } = booking;
  const isReuse = source !== 'upstream' && outcome === 'ok';
  const costNanos = isReuse ? 0 : priceNanos;
  return {
    id: newId(now),
    at: booking.at,
    tenant: caller.tenant,
    team: undefined,
    key: undefined,
    agent: caller.agent,
    session: caller.session,
    tags: [],
    provider,
    dialect: undefined,
    path: booking.path,
    modelAsked: undefined,
    modelServed: undefined,
    serviceTier: undefined,
    streamed: false,
    outcome: outcome === 'failed' ? 'provider-error' : outcome,
    errorCode: undefined,
    status: undefined,
    source,
    usage: noUsage,
    usageSource: 'provider',
    costNanos,
    // What tools cost is on no provider's bill, and so on no budget's.
    chargedNanos: costNanos === 0 ? undefined : 0,
    withoutUsage: noUsage,
    withoutCostNanos: priceNanos,
    withoutMs: isReuse ? realMs : totalMs,
    savedNanos: priceNanos - costNanos,
    savedMs: isReuse && realMs !== undefined ? realMs - totalMs : undefined,
    savedBy: isReuse ? 'tool-cache' : undefined,
    savedBasis: isReuse ? 'measured' : undefined,
    firstByteMs: undefined,
    totalMs,
    ownMs: isReuse ? totalMs : Math.max(0, totalMs - (realMs ?? totalMs)),
    lostCause: undefined,
    lostTokens: undefined,
    lostNanos: undefined,
    predictedNanos: undefined,
  };
}
