import type { Reuse } from '../exchange/call.ts';
import type { AnswerFacts, RequestFacts } from '../exchange/dialect.ts';
import type { CacheDirectives } from '../exchange/directives.ts';
import { fieldOf } from '../exchange/reply.ts';
import { parseCacheControl } from './cache-control.ts';

/** What the operator allows the exact cache. */
export interface CachePolicy {
  readonly enabled: boolean;
  /** How long an answer is served without a word, in milliseconds. */
  readonly ttlMs: number;
  /** How long after that it is still served while a new one is fetched in the background. */
  readonly staleWhileRevalidateMs: number;
  /** How long after its time it may stand in when the provider fails. */
  readonly staleIfErrorMs: number;
  readonly reuse: {
    /**
     * Reuse answers drawn with a temperature above 0 and no seed. Off: such a caller asks for a draw, and
     * the same draw again is another distribution than the one asked for.
     */
    readonly sampled: boolean;
    /** Reuse answers to requests that say nothing about sampling. */
    readonly unset: boolean;
  };
  /** Larger answers are not kept, in bytes. */
  readonly maxAnswerBytes: number;
}

export const defaultCachePolicy: CachePolicy = {
  enabled: true,
  ttlMs: 3_600_000,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  reuse: { sampled: false, unset: true },
  maxAnswerBytes: 4 * 1024 * 1024,
};

const everything: Reuse = { lookup: true, store: true, join: true, reason: undefined };

/** Weighs the request, the caller's `Cache-Control` and the operator's policy. */
export function mayReuse(
  facts: RequestFacts,
  directives: CacheDirectives,
  policy: CachePolicy,
): Reuse {
  const bar = barTo(facts, directives, policy);
  if (bar !== undefined) return { lookup: false, store: false, join: false, reason: bar };
  // A caller who wants the provider's own word does not want that of a flight begun before he asked.
  if (directives.noCache === true) {
    return { lookup: false, store: true, join: false, reason: 'no-cache' };
  }
  if (directives.onlyIfCached === true) {
    return { lookup: true, store: false, join: false, reason: 'only-if-cached' };
  }
  if (directives.maxAge === 0) {
    return { lookup: true, store: true, join: false, reason: 'max-age' };
  }
  return everything;
}

function barTo(
  facts: RequestFacts,
  directives: CacheDirectives,
  policy: CachePolicy,
): string | undefined {
  if (!policy.enabled) return 'disabled';
  if (facts.bound !== undefined) return facts.bound;
  if (directives.noStore === true) return 'no-store';
  if (facts.sampling === 'sampled' && !policy.reuse.sampled) return 'sampled';
  if (facts.sampling === 'unset' && !policy.reuse.unset) return 'sampling-unset';
  return undefined;
}

/** A finished answer, as far as keeping it goes. */
export interface FinishedAnswer {
  readonly facts: AnswerFacts;
  readonly status: number;
  /** The provider's headers, names and values in turn. */
  readonly headers: readonly string[];
  /** Bytes of everything that would be kept. */
  readonly size: number;
}

/** Why the answer must not be kept, as a token; undefined if it may. */
export function unfitForStore(answer: FinishedAnswer, policy: CachePolicy): string | undefined {
  if (answer.status !== 200) return `status-${answer.status}`;
  if (answer.facts.unfit !== undefined) return answer.facts.unfit;
  if (parseCacheControl(fieldOf(answer.headers, 'cache-control')).noStore === true) {
    return 'upstream-no-store';
  }
  return answer.size > policy.maxAnswerBytes ? 'too-large' : undefined;
}
