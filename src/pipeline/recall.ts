import { cacheStatus } from '../cache/cache-status.ts';
import type { PublicAnswers } from '../cache/edge/public-answers.ts';
import { ageSeconds, endOfFreshness, judge } from '../cache/freshness.ts';
import { RefreshWorth } from '../cache/policies/refresh-worth.ts';
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
import { accessOf, type PolicyChoice } from './policy-choice.ts';
import type { PolicyKey } from './policy-key.ts';
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
  readonly choice: PolicyChoice;
  readonly policyKey: PolicyKey;
  /** Undefined: a refresh is limited by its worth and by the budgets on its way alone. */
  readonly mayRefresh?: ((call: Call) => boolean) | undefined;
  /** For how long somebody has waited for Redis, see `RedisLink`; undefined: flights are this process's own. */
  readonly waitedMs?: (() => number) | undefined;
  /** Says in `Cache-Status` under which key. */
  readonly showsKeys?: boolean | undefined;
  /** Undefined: no answer to a call may be kept by caches of HTTP. */
  readonly publicAnswers?: PublicAnswers | undefined;
  readonly clock: Clock;
  readonly without: WithoutUs;
  readonly refresher: Refresher;
}

/** A call that recall handles, and what holds for it. */
interface Question {
  readonly call: Call;
  readonly policy: CachePolicy;
  readonly found: Found;
}

/** Serves a stored answer where the policy and the caller's `Cache-Control` allow it, and says so in `Cache-Status`. */
export function createRecall(options: RecallOptions): Stage {
  const { stack, choice, clock, waitedMs } = options;
  const worth = new RefreshWorth();
  return async (call, next) => {
    if (call.facts === undefined || call.key === undefined) return next(call);
    const policy = choice.of(call);
    call.key = options.policyKey(call, policy);
    call.reuse = mayReuse(call.facts, call.directives, policy);
    if (!call.reuse.lookup) return forward(call, next, options);
    if (waitedMs !== undefined) call.lookupFrom = waitedMs();
    const finding = stack.find(call.key, accessOf(policy, call));
    const found = finding instanceof Promise ? await finding : finding;
    if (found === undefined || !suitsForm(found.entry.answer, call)) {
      note(call, 'recall', 'miss', clock);
      if (call.directives.onlyIfCached === true) throw notStored();
      return withStatus(await next(call), call, { forwarded: 'uri-miss' }, options);
    }
    const question = { call, policy, found };
    const verdict = judge(found.entry, call.directives, policy, clock.now());
    if (policy.staleWhileRevalidateMs > 0) worth.hit(call.key, found.entry.storedAt);
    if (verdict === 'fresh') return serve(question, options, 'hit');
    if (verdict === 'stale-while-revalidate') {
      if (isWorthRefreshing(question, worth, options)) options.refresher.refresh(call, next);
      return serve(question, options, 'stale');
    }
    if (call.directives.onlyIfCached === true) throw notStored();
    if (verdict === 'stale-if-error') return forwardOrStale(question, next, options);
    const forwarded = whyForwarded(question, clock);
    note(call, 'recall', forwarded, clock);
    return withStatus(await next(call), call, { forwarded }, options);
  };
}

/** A refresh costs money: not where a budget presses or says no, and only where the new answer will probably serve. */
function isWorthRefreshing(
  { call, policy }: Question,
  worth: RefreshWorth,
  { mayRefresh, clock }: RecallOptions,
): boolean {
  if (call.pressure !== undefined || mayRefresh?.(call) === false) return false;
  return worth.chance(call.key!, policy, clock.now()) >= policy.refreshChance;
}

/** Past its time, or fresh but refused by the caller's directives (RFC 9211 section 2.2). */
function whyForwarded({ found, policy }: Question, clock: Clock): 'request' | 'stale' {
  return clock.now() < endOfFreshness(found.entry, policy) ? 'request' : 'stale';
}

async function forward(call: Call, next: Next, options: RecallOptions): Promise<Reply> {
  const { reason } = call.reuse;
  note(call, 'recall', `bypass:${reason ?? 'policy'}`, options.clock);
  if (call.directives.onlyIfCached === true) throw notStored();
  const forwarded = reason === 'no-cache' || reason === 'no-store' ? 'request' : 'bypass';
  const status = { forwarded, ...(reason === undefined ? {} : { detail: reason }) } as const;
  return withStatus(await next(call), call, status, options);
}

/** Asks the provider; its failure is covered by the stored answer. */
async function forwardOrStale(
  question: Question,
  next: Next,
  options: RecallOptions,
): Promise<Reply> {
  const { call } = question;
  note(call, 'recall', 'stale', options.clock);
  const reply = await next(call).catch((error: unknown) => {
    if (EconomizerError.from(error).kind === 'cancelled') throw error;
    return undefined;
  });
  if (reply !== undefined && reply.status < 500) {
    return withStatus(reply, call, { forwarded: whyForwarded(question, options.clock) }, options);
  }
  if (reply !== undefined && !(reply.body instanceof Uint8Array)) {
    reply.body.cancel(new Error('a stored answer serves instead'));
  }
  call.account.errorCode = undefined;
  return serve(question, options, 'stale-if-error', reply?.status);
}

function serve(
  question: Question,
  options: RecallOptions,
  how: 'hit' | 'stale' | 'stale-if-error',
  failedStatus?: number,
): Reply {
  const { clock } = options;
  const { call, policy, found } = question;
  const { account } = call;
  const { entry, tier } = found;
  note(call, 'recall', `${how}:${tier}:${policy.name}`, clock);
  account.outcome = entry.answer.status === undefined ? 'ok' : 'provider-error';
  account.status = entry.answer.status;
  account.source = how === 'hit' ? (tier as Source) : 'stale';
  account.modelServed = entry.answer.model;
  account.serviceTier = entry.answer.serviceTier;
  account.usage = noUsage;
  account.usageSource = entry.answer.usageSource;
  account.costNanos = 0;
  if (entry.answer.status === undefined) {
    account.savedBy = 'exact-cache';
    account.without = options.without(call, entry);
  }
  account.endedTick = clock.tick();
  const now = clock.now();
  const status =
    how === 'stale-if-error'
      ? cacheStatus({
          forwarded: whyForwarded(question, clock),
          detail: how,
          ...(failedStatus === undefined ? {} : { status: failedStatus }),
        })
      : cacheStatus({ hit: { freshUntil: endOfFreshness(entry, policy) }, now, detail: tier });
  const reply: Reply = {
    ...renderAnswer(entry.answer, call),
    cacheStatus: named(status, call, options),
    ageSeconds: ageSeconds(entry, now),
  };
  if (call.isCacheable !== true || how !== 'hit') return reply;
  return { ...reply, keep: options.publicAnswers?.termsFor(call, policy, entry) };
}

interface Forwarding {
  readonly forwarded: 'uri-miss' | 'bypass' | 'request' | 'stale';
  readonly detail?: string;
}

/** Our `Cache-Status`, unless a stage further in had more to say (a shared flight). */
function withStatus(reply: Reply, call: Call, status: Forwarding, options: RecallOptions): Reply {
  if (reply.cacheStatus !== undefined) return reply;
  const text = cacheStatus({ ...status, stored: call.account.stored });
  return { ...reply, cacheStatus: named(text, call, options) };
}

/** The name by which `economizer purge --key` knows the entry (RFC 9211 section 2.7). */
function named(status: string, call: Call, { showsKeys }: RecallOptions): string {
  return showsKeys === true ? `${status}; key="${call.key}"` : status;
}

function notStored(): EconomizerError {
  return new EconomizerError(
    'ECO_NOT_STORED',
    'No stored answer fits this request, and Cache-Control: only-if-cached forbids asking the provider.',
  );
}
