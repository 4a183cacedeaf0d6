import type { Reuse } from '../exchange/call.ts';
import type { AnswerFacts, RequestFacts } from '../exchange/dialect.ts';
import type { CacheDirectives } from '../exchange/directives.ts';
import { fieldOf } from '../exchange/reply.ts';
import { parseCacheControl } from './cache-control.ts';

/** Whether a policy serves what is stored, stores what is answered, both or neither. */
export type CacheMode = 'on' | 'off' | 'read-only' | 'write-only';

/** With whom answers are shared. Never across tenants, but by a name that a policy lists for each of them. */
export type CacheScope =
  | { readonly kind: 'tenant' | 'team' }
  | { readonly kind: 'shared'; readonly name: string; readonly tenants: ReadonlySet<string> };

/** What the operator allows the exact cache for some calls. Times in milliseconds. */
export interface CachePolicy {
  readonly name: string;
  readonly enabled: boolean;
  readonly mode: CacheMode;
  /** How long an answer is served without a word. */
  readonly ttlMs: number;
  /** The share of `ttlMs`, up to 1, by which chance may shorten it, so that what was stored together does not end together. */
  readonly jitter: number;
  /** How long after that it is still served while a new one is fetched in the background. */
  readonly staleWhileRevalidateMs: number;
  /** How long after its time it may stand in when the provider fails. */
  readonly staleIfErrorMs: number;
  /** A new one is fetched only where, by the hits so far, another call for it comes in its time with at least this chance. */
  readonly refreshChance: number;
  /** How long a refusal that would come again (status 400, 404, 413, 422) is kept; 0: not at all. */
  readonly negativeTtlMs: number;
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
  /** Names of the tiers that it uses; undefined: all there are. */
  readonly levels: ReadonlySet<string> | undefined;
  /** Whether tiers compress; undefined: as each thinks best. */
  readonly compress: boolean | undefined;
  /** Equal bodies are kept once. */
  readonly deduplicate: boolean;
  /** Answers kept of one conversation, those to its latest calls; undefined: all. */
  readonly messages: number | undefined;
  readonly scope: CacheScope;
  /** `public`: what is shared by name may lie at the edge too. */
  readonly edge: 'off' | 'public';
  /** As `levels`, for calls whose answers may lie at the edge; undefined: as `levels`. */
  readonly edgeLevels?: ReadonlySet<string> | undefined;
  /** Members of the body that do not count in the key: what the operator knows not to change the answer. */
  readonly ignore: readonly string[];
}

export const defaultCachePolicy: CachePolicy = {
  name: 'response',
  enabled: true,
  mode: 'on',
  ttlMs: 3_600_000,
  jitter: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  refreshChance: 0.5,
  negativeTtlMs: 0,
  reuse: { sampled: false, unset: true },
  maxAnswerBytes: 4 * 1024 * 1024,
  levels: undefined,
  compress: undefined,
  deduplicate: true,
  messages: undefined,
  scope: { kind: 'tenant' },
  edge: 'off',
  ignore: [],
};

const readOnly: Reuse = { lookup: true, store: false, join: true, reason: 'read-only' };
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
    const store = policy.mode !== 'read-only';
    return { lookup: false, store, join: false, reason: 'no-cache' };
  }
  if (directives.onlyIfCached === true) {
    return { lookup: true, store: false, join: false, reason: 'only-if-cached' };
  }
  if (policy.mode === 'write-only') {
    return { lookup: false, store: true, join: false, reason: 'write-only' };
  }
  const store = policy.mode !== 'read-only';
  if (directives.maxAge === 0) return { lookup: true, store, join: false, reason: 'max-age' };
  return store ? everything : readOnly;
}

function barTo(
  facts: RequestFacts,
  directives: CacheDirectives,
  policy: CachePolicy,
): string | undefined {
  if (!policy.enabled) return 'disabled';
  if (policy.mode === 'off') return 'policy-off';
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

/** Refusals of the request itself: the same request gets them again, whoever asks and whenever. */
const deterministic = new Set([400, 404, 413, 422]);
/** Refusals that are none of the request's fault, whatever status they come under: a bill that is not paid, a limit, a key. */
const circumstantial =
  /billing|balance|credit|quota|rate.?limit|overload|capacity|api.?key|permission/i;
const longestRefusal = 64 * 1024;

/** True for a refusal that may be given again for a short time. @param text its body. */
export function isLastingRefusal(status: number, text: string, policy: CachePolicy): boolean {
  if (policy.negativeTtlMs === 0 || !deterministic.has(status)) return false;
  return text.length <= longestRefusal && !circumstantial.test(text);
}
