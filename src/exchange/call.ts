import { Cancellation } from '../kernel/cancellation.ts';
import { newAccount, type Account } from './account.ts';
import type { AnswerFacts, Dialect, RequestFacts } from './dialect.ts';
import { noDirectives, type CacheDirectives } from './directives.ts';
import type { ByteStream, Bytes } from './stream.ts';
import type { ToolSteps } from './tool-steps.ts';
import type { TrailLine } from './trail.ts';

/** A provider as the pipeline sees it. */
export interface ProviderRef {
  /** The name it has in the configuration. */
  readonly name: string;
  /** Whose price list and cache rules apply: `openai`, `anthropic`, or a name of the price book. */
  readonly priceId: string;
  /** Streams are asked to bring their usage where the caller did not ask. */
  readonly asksStreamUsage: boolean;
}

/** Who is calling. */
export interface Caller {
  /** Answers, sessions and ledger views are never shared across tenants. */
  readonly tenant: string;
  /** Part of the tenant, from its key. */
  readonly team?: string | undefined;
  /** Name of the virtual key that was shown. */
  readonly key?: string | undefined;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  readonly tags: readonly string[];
  /** Names that the caller gives the answer, to purge it by. */
  readonly cacheTags?: readonly string[] | undefined;
  /** What its key may be used for; undefined: for everything. */
  readonly allowance?: Allowance | undefined;
}

/** What a key may be used for. */
export interface Allowance {
  /** Patterns with `*`; undefined: all models. */
  readonly models: readonly string[] | undefined;
  /** Names of providers; undefined: all. */
  readonly providers: readonly string[] | undefined;
  /** False: the key is for looking or administering only. */
  readonly mayCall: boolean;
}

/** What a nearly spent budget asks of the parts that can save. */
export type PressureAction =
  | 'cache-more' // longer times, stale answers, sampled answers where the policy allows
  | 'cheaper-models'
  | 'batch'
  | 'defer'
  | 'scale-down'
  | 'shutdown';

/** The protection ladder as a call meets it. */
export interface Pressure {
  /** 0 to 4: how many levels are reached. */
  readonly level: number;
  readonly actions: ReadonlySet<PressureAction>;
  /** The budget that presses most, or `emergency` where somebody pulled the switch. */
  readonly budget: string;
  /** When its window is over, milliseconds since the epoch; undefined where it never is. */
  readonly until?: number | undefined;
}

/** One request on its way through the house. HTTP stops at the gateway; what is left of it here is what must reach the provider unchanged. */
export interface Call {
  readonly id: string;
  readonly provider: ProviderRef;
  /** Undefined for paths that pass untouched. */
  readonly dialect: Dialect | undefined;
  readonly method: string;
  /** Path and query below the provider's base URL, as the caller wrote it, with its leading slash. */
  readonly path: string;
  /** Names and values in turn, as the caller sent them, without hop-by-hop fields and without ours. */
  readonly headers: readonly string[];
  /** The bytes to forward; a stream only for paths that pass untouched. */
  body: Bytes | ByteStream | undefined;
  readonly directives: CacheDirectives;
  /** Hash of the credential that the provider will see, where the caller brought its own. */
  readonly credentialScope: string;
  /** The caller's own time limit in milliseconds from the start. */
  readonly deadlineMs: number | undefined;
  /** Where the caller left or the deadline passed. */
  readonly cancellation: Cancellation;
  /** Wall time, milliseconds since the epoch. */
  readonly startedAt: number;
  /** Monotonic time, milliseconds. */
  readonly startedTick: number;
  caller: Caller;
  /** How hard the budgets of this call press for saving; undefined: not at all. Set before anything is looked up. */
  pressure?: Pressure | undefined;
  /** The model that the caller wrote, where a cheaper one is asked in its place; `facts` and `body` name that one then. */
  askedModel?: string | undefined;
  /** The last tool calls of its conversation; undefined where nobody looks at them. */
  steps?: ToolSteps | undefined;
  /** What the caller should know although the call goes on; short tokens. */
  warnings?: readonly string[] | undefined;
  /** Read by the `identify` stage; undefined for untouched paths. */
  facts: RequestFacts | undefined;
  /** Items of its conversation, as far as its dialect has one. */
  messages: number | undefined;
  /** The name of the cache policy that holds for it; set by the `recall` stage. */
  cachePolicy: string | undefined;
  /** The exact cache's name for this request within its scope; undefined where it has none. */
  key: string | undefined;
  /** How long somebody had waited for Redis when this call began to look for a stored answer, in milliseconds by its own count; see `RedisLink`. */
  lookupFrom?: number | undefined;
  /** What may be shared of this call, with whom; set by the `recall` stage. */
  reuse: Reuse;
  /** What the answer amounts to, once it is whole; set by the `settle` stage. */
  harvest: Harvest | undefined;
  /** Resolves when the flight that this call leads has landed, where others may keep it in the air after this caller left. */
  afterFlight: Promise<void> | undefined;
  /** We ended its stream where its hold ended: it is no answer to keep, and its count is ours. */
  cut?: boolean;
  /** It came in a form whose answers caches of HTTP may keep (`QUERY`), so the reply says whether they may. */
  isCacheable?: true;
  readonly account: Account;
  readonly trail: TrailLine[];
}

/** What of a call may be shared with equal calls. */
export interface Reuse {
  /** A stored answer may serve it. */
  readonly lookup: boolean;
  /** Its answer may be stored. */
  readonly store: boolean;
  /** It may share a flight with equal calls. */
  readonly join: boolean;
  /** Why not, where something is forbidden; a short token. */
  readonly reason: string | undefined;
}

export const noReuse: Reuse = { lookup: false, store: false, join: false, reason: undefined };

type Named =
  | 'id'
  | 'provider'
  | 'dialect'
  | 'method'
  | 'path'
  | 'headers'
  | 'body'
  | 'caller'
  | 'startedAt'
  | 'startedTick';
type Optional = 'directives' | 'credentialScope' | 'deadlineMs' | 'facts';

/** A call at its beginning: nothing is known of it but what `given` says. */
export function newCall(given: Pick<Call, Named> & Partial<Pick<Call, Optional>>): Call {
  return {
    id: given.id,
    provider: given.provider,
    dialect: given.dialect,
    method: given.method,
    path: given.path,
    headers: given.headers,
    body: given.body,
    directives: given.directives ?? noDirectives,
    credentialScope: given.credentialScope ?? '',
    deadlineMs: given.deadlineMs,
    cancellation: new Cancellation(),
    startedAt: given.startedAt,
    startedTick: given.startedTick,
    caller: given.caller,
    facts: given.facts,
    messages: undefined,
    cachePolicy: undefined,
    key: undefined,
    reuse: noReuse,
    harvest: undefined,
    afterFlight: undefined,
    account: newAccount(),
    trail: [],
  };
}

/** A whole answer, read. */
export interface Harvest {
  readonly facts: AnswerFacts;
  /** The plain body: the provider's own bytes, or what its stream amounts to; undefined where the stream was not whole. */
  readonly final: Bytes | undefined;
  /** The text of the event stream, where it came as one. */
  readonly events: Bytes | undefined;
}
