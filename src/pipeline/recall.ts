import { cacheStatus } from '../cache/cache-status.ts';
import { ageSeconds, judge } from '../cache/freshness.ts';
import { asksToCacheMore } from '../cache/eased-policy.ts';
import { mayReuse, type CachePolicy } from '../cache/policy.ts';
import type { CacheStack, Found } from '../cache/stack.ts';
import type { Source } from '../exchange/account.ts';
import type { Answer } from '../exchange/answer.ts';
import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import { noUsage } from '../exchange/usage.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { note } from './note.ts';
import { renderAnswer, suitsForm } from './render.ts';
import type { Refresher } from './refresh.ts';
import type { Next, Stage } from './stage.ts';

/** An answer that serves again: a stored one, or another call's. */
export interface ReusedAnswer {
  readonly key: string;
  /** When the provider gave it, milliseconds since the epoch. */
  readonly storedAt: number;
  readonly answer: Pick<Answer, 'model' | 'serviceTier' | 'usage' | 'usageSource' | 'totalMs'>;
}

/** What it would have cost to ask for it again. */
export type WithoutUs = (call: Call, reused: ReusedAnswer) => Call['account']['without'];

interface RecallOptions {
  readonly stack: CacheStack;
  readonly policy: CachePolicy;
  readonly clock: Clock;
  readonly without: WithoutUs;
  readonly refresher: Refresher;
  /** What becomes of the policy while a budget asks to cache more; undefined: nothing. */
  readonly easedPolicy?: ((policy: CachePolicy) => CachePolicy) | undefined;
}

/** Serves a stored answer where the policy and the caller's `Cache-Control` allow it, and says so in `Cache-Status`. */
export function createRecall(options: RecallOptions): Stage {
  const { stack, clock, easedPolicy } = options;
  return async (call, next) => {
    if (call.facts === undefined || call.key === undefined) return next(call);
    const policy =
      easedPolicy !== undefined && asksToCacheMore(call.pressure)
        ? easedPolicy(options.policy)
        : options.policy;
    call.reuse = mayReuse(call.facts, call.directives, policy);
    if (!call.reuse.lookup) return forward(call, next, clock);
    const finding = stack.find(call.key);
    const found = finding instanceof Promise ? await finding : finding;
    if (found === undefined || !suitsForm(found.entry.answer, call)) {
      note(call, 'recall', 'miss', clock);
      if (call.directives.onlyIfCached === true) throw notStored();
      return withStatus(await next(call), call, { forwarded: 'uri-miss' });
    }
    const verdict = judge(found.entry, call.directives, policy, clock.now());
    if (verdict === 'fresh') return serve(call, found, options, 'hit');
    if (verdict === 'stale-while-revalidate') {
      // Where money is short, an answer that is allowed to be stale is not worth asking anew.
      if (call.pressure === undefined) options.refresher.refresh(call, next);
      return serve(call, found, options, 'stale');
    }
    if (call.directives.onlyIfCached === true) throw notStored();
    if (verdict === 'stale-if-error') return forwardOrStale(call, next, found, options);
    const forwarded = whyForwarded(found, clock);
    note(call, 'recall', forwarded, clock);
    return withStatus(await next(call), call, { forwarded });
  };
}

/** Past its time, or fresh but refused by the caller's directives (RFC 9211 section 2.2). */
function whyForwarded({ entry }: Found, clock: Clock): 'request' | 'stale' {
  return clock.now() < entry.freshUntil ? 'request' : 'stale';
}

async function forward(call: Call, next: Next, clock: Clock): Promise<Reply> {
  const { reason } = call.reuse;
  note(call, 'recall', `bypass:${reason ?? 'policy'}`, clock);
  if (call.directives.onlyIfCached === true) throw notStored();
  const forwarded = reason === 'no-cache' || reason === 'no-store' ? 'request' : 'bypass';
  return withStatus(await next(call), call, {
    forwarded,
    ...(reason === undefined ? {} : { detail: reason }),
  });
}

/** Asks the provider; its failure is covered by the stored answer. */
async function forwardOrStale(
  call: Call,
  next: Next,
  found: Found,
  options: RecallOptions,
): Promise<Reply> {
  note(call, 'recall', 'stale', options.clock);
  const reply = await next(call).catch((error: unknown) => {
    if (EconomizerError.from(error).kind === 'cancelled') throw error;
    return undefined;
  });
  if (reply !== undefined && reply.status < 500) {
    return withStatus(reply, call, { forwarded: whyForwarded(found, options.clock) });
  }
  if (reply !== undefined && !(reply.body instanceof Uint8Array)) {
    reply.body.cancel(new Error('a stored answer serves instead'));
  }
  call.account.errorCode = undefined;
  return serve(call, found, options, 'stale-if-error', reply?.status);
}

function serve(
  call: Call,
  found: Found,
  { clock, without }: RecallOptions,
  how: 'hit' | 'stale' | 'stale-if-error',
  failedStatus?: number,
): Reply {
  const { account } = call;
  const { entry, tier } = found;
  note(call, 'recall', `${how}:${tier}`, clock);
  account.outcome = 'ok';
  account.source = how === 'hit' ? (tier as Source) : 'stale';
  account.modelServed = entry.answer.model;
  account.serviceTier = entry.answer.serviceTier;
  account.usage = noUsage;
  account.usageSource = entry.answer.usageSource;
  account.costNanos = 0;
  account.savedBy = 'exact-cache';
  account.without = without(call, entry);
  account.endedTick = clock.tick();
  const now = clock.now();
  const status =
    how === 'stale-if-error'
      ? cacheStatus({
          forwarded: whyForwarded(found, clock),
          detail: how,
          ...(failedStatus === undefined ? {} : { status: failedStatus }),
        })
      : cacheStatus({ hit: entry, now, detail: tier });
  return {
    ...renderAnswer(entry.answer, call),
    cacheStatus: status,
    ageSeconds: ageSeconds(entry, now),
  };
}

interface Forwarding {
  readonly forwarded: 'uri-miss' | 'bypass' | 'request' | 'stale';
  readonly detail?: string;
}

/** Our `Cache-Status`, unless a stage further in had more to say (a shared flight). */
function withStatus(reply: Reply, call: Call, status: Forwarding): Reply {
  if (reply.cacheStatus !== undefined) return reply;
  return { ...reply, cacheStatus: cacheStatus({ ...status, stored: call.account.stored }) };
}

function notStored(): EconomizerError {
  return new EconomizerError(
    'ECO_NOT_STORED',
    'No stored answer fits this request, and Cache-Control: only-if-cached forbids asking the provider.',
  );
}
