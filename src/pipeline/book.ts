import type { Call } from '../exchange/call.ts';
import { isWhole } from '../exchange/reply.ts';
import { noUsage } from '../exchange/usage.ts';
import type { LedgerRow } from '../ledger/row.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import { asItWas } from './accountant.ts';
import { payDue } from './budget-notice.ts';
import { fail } from './settle.ts';
import { isUnsent } from './unsent.ts';
import type { Stage } from './stage.ts';
import { tapped } from './tap.ts';

/** Where rows are booked. Resolves when the row would survive the death of this process; never rejects. */
export interface Books {
  book(row: LedgerRow): Promise<void>;
}

/** Turns each call into one ledger row, whichever way it ended. An answer leaves only after its row is booked. */
export function createBook(options: { books: Books; clock: Clock; signals: Signals }): Stage {
  const { books, clock, signals } = options;
  const enter = async (call: Call): Promise<void> => {
    const row = rowOf(call, clock.tick());
    signals.emit('call-ended', { row });
    await books.book(row);
    payDue(call);
  };
  return async (call, next) => {
    try {
      const reply = await next(call);
      if (isWhole(reply.body)) {
        await enter(call);
        return reply;
      }
      const body = tapped(reply.body, {
        end: () => enter(call),
        async broken(error) {
          await settled(call, error);
          await enter(call);
        },
      });
      return { ...reply, body };
    } catch (error) {
      if (EconomizerError.from(error).kind === 'broken') {
        signals.emit('part-failed', { part: 'pipeline', operation: 'run', error });
      }
      await settled(call, error);
      await enter(call);
      throw error;
    }
  };
}

/** A caller who left may have left a flight that others kept in the air: what it costs is known when it has landed. */
async function settled(call: Call, error: unknown): Promise<void> {
  const hadAll = call.account.outcome === 'ok';
  await call.afterFlight;
  await call.account.settling;
  if (!hadAll) fail(call, error);
}

const nothingUsed = { usage: noUsage, usageSource: 'provider', costNanos: 0 } as const;

function rowOf(call: Call, nowTick: number): LedgerRow {
  const { account, facts } = call;
  if (account.source === 'none') account.costNanos ??= 0;
  // Without us it would not have reached the provider either.
  else if (account.source === 'upstream' && isUnsent(account, account.errorCode))
    Object.assign(account, nothingUsed);
  if (account.source === 'upstream') account.without ??= asItWas(call);
  const { without, costNanos } = account;
  const totalMs = nowTick - call.startedTick;
  const knowsSaving = without?.costNanos !== undefined && costNanos !== undefined;
  const isReuse = account.savedBy !== undefined;
  return {
    id: call.id,
    at: call.startedAt,
    tenant: call.caller.tenant,
    team: call.caller.team,
    key: call.caller.key,
    agent: call.caller.agent,
    session: call.caller.session,
    tags: call.caller.tags,
    provider: call.provider.name,
    dialect: call.dialect?.name,
    path: pathOf(call),
    modelAsked: call.askedModel ?? facts?.model,
    modelServed: account.modelServed,
    serviceTier: account.serviceTier,
    streamed: facts?.stream ?? false,
    outcome: account.outcome ?? 'failed',
    errorCode: account.errorCode,
    status: account.status,
    source: account.source,
    usage: account.usage,
    usageSource: account.usageSource,
    costNanos,
    chargedNanos: account.chargedNanos === costNanos ? undefined : account.chargedNanos,
    withoutUsage: without?.usage,
    withoutCostNanos: without?.costNanos,
    withoutMs: without?.totalMs,
    savedNanos: knowsSaving ? without.costNanos - costNanos : undefined,
    savedMs: isReuse && without?.totalMs !== undefined ? without.totalMs - totalMs : undefined,
    savedBy: account.savedBy,
    savedBasis: isReuse ? without?.basis : undefined,
    firstByteMs:
      account.firstByteTick === undefined ? undefined : account.firstByteTick - call.startedTick,
    totalMs,
    ownMs: totalMs - upstreamMs(call),
    lostCause: account.lost?.cause,
    lostTokens: account.lost?.tokens,
    lostNanos: account.lost?.nanos,
    predictedNanos: account.predictedNanos,
  };
}

/** Without its query, which may carry what is nobody's business. */
function pathOf(call: Call): string {
  const query = call.path.indexOf('?');
  return query < 0 ? call.path : call.path.slice(0, query);
}

function upstreamMs({ account }: Call): number {
  const { sentTick, endedTick } = account;
  return sentTick === undefined || endedTick === undefined ? 0 : endedTick - sentTick;
}
