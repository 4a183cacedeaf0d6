import { inputTokens, type Usage } from '../exchange/usage.ts';
import { nanoFromPico, type NanoUsd } from '../kernel/money.ts';
import type { CarePlan } from './care-plan.ts';
import type { Cause } from './doctor/cause.ts';
import { heldAfter, tokensUpTo } from './held-after.ts';
import type { CacheTerms } from './terms.ts';

/** What a saved dollar of care is booked to. */
export type CareMechanism =
  | 'breakpoints'
  | 'stable-order'
  | 'volatile-repair'
  | 'fan-out'
  | 'keep-warm';

/** Tokens that were paid for although the provider's cache could have had them. */
export interface Loss {
  readonly cause: Cause;
  readonly tokens: number;
  /** Undefined where the price is not known. */
  readonly nanos: NanoUsd | undefined;
}

/** What a call's answer tells of its prefix. */
export interface Settlement {
  readonly lost: Loss | undefined;
  /** What the untouched request would have used; undefined where that is what it used. */
  readonly without: Usage | undefined;
  readonly savedBy: CareMechanism | undefined;
}

/** How much of the weight of what was known the newest count gets. */
const learningRate = 0.3;

/** Takes what the provider counted: learns from it, and holds it against what was expected. */
export function settle(
  plan: CarePlan,
  usage: Usage,
  options: { readonly terms: CacheTerms | undefined; readonly waited: boolean },
): Settlement {
  const { terms, waited } = options;
  const total = inputTokens(usage) - usage.audioInput;
  const lost = lossOf(plan, usage, total, terms);
  learn(plan, usage, total);
  if (terms === undefined) return { lost, without: undefined, savedBy: undefined };
  const without = withoutCare(plan, usage, total, terms);
  // What was read was written by the one it waited for; alone it would have been written again.
  const warmedBy = usage.cacheRead === 0 ? undefined : warmth(plan, waited, terms);
  const unread =
    warmedBy !== undefined && without === undefined ? unreadUsage(usage, total, terms) : without;
  if (unread === undefined) return { lost, without: undefined, savedBy: undefined };
  return { lost, without: unread, savedBy: warmedBy ?? mechanismOf(plan) };
}

function learn(plan: CarePlan, usage: Usage, total: number): void {
  const { thread, habits, staticUse, staticPart, terms, bytes } = plan;
  if (total === 0) return;
  const ratio = total / bytes;
  const known = habits.tokensPerByte;
  habits.tokensPerByte = known === undefined ? ratio : known + learningRate * (ratio - known);
  const held = terms === undefined ? [] : heldAfter(plan, total, terms);
  if (staticUse !== undefined && staticPart !== undefined) {
    const place = held.find(
      ({ region, item }) => region === staticPart.region && item === staticPart.item,
    );
    // Where no marks are needed every beginning is kept.
    const isKept = terms?.mode === 'automatic' && terms.maxBreakpoints === undefined;
    const [anywhere] = isKept ? held : [];
    const until = (place ?? anywhere)?.expiresAt;
    if (until !== undefined) staticUse.hotUntil = Math.max(staticUse.hotUntil, until);
    staticUse.answeredAt = Math.max(staticUse.answeredAt, plan.request.at);
    staticUse.tokens ??= tokensUpTo(plan, staticPart, total);
    // The first request of a conversation can read nothing else.
    if (plan.before === undefined && usage.cacheRead > 0) staticUse.tokens = usage.cacheRead;
  }
  // Another request of the conversation may have left meanwhile; then that one counts.
  if (thread.calls !== plan.call) return;
  thread.answered = true;
  thread.tokens = total;
  thread.held = held;
}

/** Below this share, and so many tokens, a difference is rounding. */
const tolerance = 0.03;
const leastTokens = 160;

function lossOf(
  plan: CarePlan,
  usage: Usage,
  total: number,
  terms: CacheTerms | undefined,
): Loss | undefined {
  const would = Math.min(total, wouldRead(plan));
  if (would === 0 || terms?.mode === 'none') return undefined;
  if (terms !== undefined && would < terms.minTokens) return undefined;
  const tokens = would - usage.cacheRead;
  if (tokens < Math.max(leastTokens, tolerance * would)) return undefined;
  return { cause: causeOf(plan), tokens, nanos: terms && priceOf(tokens, usage, terms) };
}

/** Tokens that the provider would have read, had nothing come between. */
function wouldRead({ before, peer, culprit, request }: CarePlan): number {
  if (before !== undefined) return before.held[0]?.tokens ?? before.tokens;
  if (culprit === undefined || peer === undefined || request.at >= peer.hotUntil) return 0;
  return peer.tokens ?? 0;
}

function causeOf({ before, request, culprit }: CarePlan): Cause {
  if (before === undefined) return culprit!.cause;
  if (before.model !== request.model) return 'model-switched';
  if (before.provider !== request.provider) return 'provider-switched';
  if (culprit !== undefined) return culprit.cause;
  const [deepest] = before.held;
  if (deepest === undefined) return 'no-breakpoint';
  return request.at >= deepest.expiresAt ? 'ttl-gone' : 'provider-eviction';
}

/** Tokens at what was paid for a token that was not read, less what reading it costs. */
function priceOf(tokens: number, usage: Usage, { rates }: CacheTerms): NanoUsd {
  const { fresh, cacheWrite5m, cacheWrite1h } = usage;
  const unread = fresh + cacheWrite5m + cacheWrite1h;
  const paid = fresh * rates.fresh + cacheWrite5m * rates.write + cacheWrite1h * rates.writeLong;
  return nanoFromPico(Math.max(0, tokens * (paid / Math.max(1, unread) - rates.read)));
}

/** Who had warmed what was read: another call that it waited for, or a read between its own calls. */
function warmth(plan: CarePlan, waited: boolean, terms: CacheTerms): CareMechanism | undefined {
  if (waited) return 'fan-out';
  const { before, request } = plan;
  const isPaused = before !== undefined && request.at - before.at >= terms.ttlMs;
  return isPaused && before.isWarmed ? 'keep-warm' : undefined;
}

function mechanismOf({ acted }: CarePlan): CareMechanism {
  if (acted.repair) return 'volatile-repair';
  return acted.order ? 'stable-order' : 'breakpoints';
}

/** What the request would have used as it came, by the rules of its provider. */
function withoutCare(
  plan: CarePlan,
  usage: Usage,
  total: number,
  terms: CacheTerms,
): Usage | undefined {
  const { acted } = plan;
  const isBroken = acted.order || acted.repair;
  if (!isBroken && !acted.marks && !acted.unwritten) return undefined;
  if (terms.mode === 'explicit') return withClientsMarks(plan, usage, total, isBroken);
  if (terms.maxBreakpoints === undefined) {
    if (!isBroken) return undefined;
    const read = Math.min(usage.cacheRead, acted.order ? 0 : toolsTokens(plan, total, terms));
    return classes(usage, total, { read, written: 0, isLong: false });
  }
  const continues = plan.before !== undefined && plan.intact && !isBroken;
  if (continues && !acted.unwritten) return undefined;
  const read = continues ? usage.cacheRead : 0;
  const written = total < terms.minTokens ? 0 : total - read;
  return classes(usage, total, { read, written, isLong: false });
}

function withClientsMarks(plan: CarePlan, usage: Usage, total: number, isBroken: boolean): Usage {
  const { client, before, intact } = plan;
  const last = client.marks.at(-1);
  const upTo = client.isAutomatic ? total : last === undefined ? 0 : tokensUpTo(plan, last, total);
  const own =
    before === undefined || !intact || isBroken
      ? undefined
      : before.held.find((held) => held.isClients && plan.request.at < held.expiresAt);
  const read = Math.min(usage.cacheRead, own?.tokens ?? 0, upTo);
  return classes(usage, total, {
    read,
    written: upTo - read,
    isLong: last?.isLong === true,
  });
}

function unreadUsage(usage: Usage, total: number, terms: CacheTerms): Usage {
  const isWritten = terms.maxBreakpoints !== undefined;
  return classes(usage, total, { read: 0, written: isWritten ? total : 0, isLong: false });
}

function toolsTokens(plan: CarePlan, total: number, terms: CacheTerms): number {
  const tools = plan.form.layout.find(({ name }) => name === 'tools');
  if (tools === undefined) return 0;
  const tokens = tokensUpTo(plan, { region: 'tools', item: tools.items.length - 1 }, total);
  return tokens < terms.minTokens ? 0 : tokens;
}

function classes(
  usage: Usage,
  total: number,
  split: { readonly read: number; readonly written: number; readonly isLong: boolean },
): Usage {
  const { read, written, isLong } = split;
  return {
    ...usage,
    fresh: total - read - written,
    cacheRead: read,
    cacheWrite5m: isLong ? 0 : written,
    cacheWrite1h: isLong ? written : 0,
  };
}
