import { asksToCacheMore } from '../cache/eased-policy.ts';
import type { PolicyBook } from '../cache/policies/policy-book.ts';
import { edgeShare } from '../cache/edge/public.ts';
import type { CachePolicy } from '../cache/policy.ts';
import type { StackAccess } from '../cache/stack.ts';
import type { Call } from '../exchange/call.ts';

/** What a policy becomes while a budget asks to cache more. */
export type EasePolicy = (policy: CachePolicy, call: Call) => CachePolicy;

/** Which policy holds for a call. */
export class PolicyChoice {
  readonly #book: PolicyBook;
  readonly #ease: EasePolicy | undefined;

  constructor(book: PolicyBook, ease?: EasePolicy) {
    this.#book = book;
    this.#ease = ease;
  }

  /** Chooses, and notes the name on the call. */
  of(call: Call): CachePolicy {
    const policy = this.#book.choose(call);
    call.cachePolicy = policy.name;
    return this.#eased(policy, call);
  }

  /** What was chosen before; undefined where nothing was. */
  chosen(call: Call): CachePolicy | undefined {
    if (call.cachePolicy === undefined) return undefined;
    return this.#eased(this.#book.named(call.cachePolicy), call);
  }

  #eased(policy: CachePolicy, call: Call): CachePolicy {
    if (this.#ease === undefined || !asksToCacheMore(call.pressure)) return policy;
    return this.#ease(policy, call);
  }
}

/** What of the cache a call may use under its policy. */
export function accessOf(policy: CachePolicy, call: Call): StackAccess | undefined {
  const { levels, scope, edgeLevels } = policy;
  if (scope.kind === 'shared') {
    const reader = call.caller.tenant;
    const isPublic = edgeLevels !== undefined && edgeShare(policy, call) !== undefined;
    return { levels: isPublic ? edgeLevels : levels, reader };
  }
  return levels === undefined ? undefined : { levels };
}
