import type { Counterfactual } from '../exchange/account.ts';
import { inputTokens, type Usage, type UsageSource } from '../exchange/usage.ts';
import { costOf, restsOnAssumption } from './cost.ts';
import type { ModelPrice } from './model-price.ts';
import type { PrefixRules } from './prefix-rules.ts';

export interface ReusedAnswer {
  /** What the provider counted when it gave the answer. */
  readonly answerUsage: Usage;
  readonly usageSource: UsageSource;
  readonly rules: PrefixRules;
  /**
   * Milliseconds since the same request was last answered, by the provider or by us: without us every repeat would have
   * gone to the provider and kept the prefix hot.
   */
  readonly ageMs: number;
  /** Undefined where the price is not known; so is then the cost. */
  readonly price?: ModelPrice | undefined;
  /** How long the provider took, in milliseconds. */
  readonly totalMs?: number | undefined;
}

/**
 * What a call would have used and cost without us that we answered with an earlier answer. The provider would have counted the same
 * tokens, but it might have had them in its prompt cache since: where it would, they are taken as reads, so that we
 * never claim what its own cache would have saved. What was read then stays read, even where it would be cold by now: the doubt is
 * never in our favour. `measured` only if the provider counted, nothing was moved and each price is a published one.
 */
export function counterfactualOf(reused: ReusedAnswer): Counterfactual {
  const { answerUsage, usageSource, price } = reused;
  const usage = warmed(answerUsage, reused.rules, reused.ageMs);
  const isAssumed = price !== undefined && restsOnAssumption(usage, price);
  return {
    usage,
    costNanos: price === undefined ? undefined : costOf(usage, price),
    totalMs: reused.totalMs,
    basis:
      usageSource === 'provider' && usage === answerUsage && !isAssumed ? 'measured' : 'estimated',
  };
}

/** The usage of the same request asked again after `ageMs`. The same object where nothing changes. */
function warmed(usage: Usage, rules: PrefixRules, ageMs: number): Usage {
  if (rules.mode === 'none' || inputTokens(usage) < rules.minTokens) return usage;
  return rules.mode === 'explicit'
    ? warmedToBreakpoints(usage, rules, ageMs)
    : warmedThroughout(usage, rules, ageMs);
}

/** What was written up to a breakpoint is read again; what lay behind the last breakpoint is fresh again. */
function warmedToBreakpoints(usage: Usage, rules: PrefixRules, ageMs: number): Usage {
  const isHot = ageMs < rules.ttlMs;
  const isLongHot = ageMs < (rules.ttlLongMs ?? rules.ttlMs);
  const moved = (isHot ? usage.cacheWrite5m : 0) + (isLongHot ? usage.cacheWrite1h : 0);
  if (moved === 0) return usage;
  return {
    ...usage,
    cacheRead: usage.cacheRead + moved,
    cacheWrite5m: isHot ? 0 : usage.cacheWrite5m,
    cacheWrite1h: isLongHot ? 0 : usage.cacheWrite1h,
  };
}

/** An automatic cache holds the whole text of the prompt, down to its granularity. */
function warmedThroughout(usage: Usage, rules: PrefixRules, ageMs: number): Usage {
  if (ageMs >= rules.ttlMs) return usage;
  const { fresh, cacheRead, cacheWrite5m, cacheWrite1h } = usage;
  const text = fresh + cacheRead + cacheWrite5m + cacheWrite1h;
  const held = text - (text % rules.granularity);
  if (held <= cacheRead) return usage;
  return { ...usage, fresh: text - held, cacheRead: held, cacheWrite5m: 0, cacheWrite1h: 0 };
}
