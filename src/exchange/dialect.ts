import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { SpendFacts, SpendTerms } from './spend.ts';
import type { Usage } from './usage.ts';

/** The request forms that Economizer understands; everything else passes untouched. */
export type DialectName =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-completions'
  | 'openai-embeddings'
  | 'anthropic-messages'
  | 'anthropic-count-tokens';

/** What the pipeline needs to know of a request; read once from its parsed body. */
export interface RequestFacts {
  /** As the caller wrote it; empty where a stored prompt at the provider names it. */
  readonly model: string;
  readonly stream: boolean;
  /** The stream will bring usage without our asking: always true but for OpenAI chat and completions without `stream_options.include_usage`. */
  readonly streamUsage: boolean;
  /**
   * How the answer is drawn: `greedy` (temperature 0, or no sampling at all as with embeddings), `seeded`,
   * `unset` (the caller does not say) or `sampled` (temperature above 0 and no seed).
   */
  readonly sampling: 'greedy' | 'seeded' | 'unset' | 'sampled';
  /** Why an equal request may not get an equal answer (state at the provider, remote content, server tools), as a short token such as `previous-response`; undefined if nothing stands against reuse. */
  readonly bound: string | undefined;
  /** The caller's own names, where the dialect has a place for them. */
  readonly agent: string | undefined;
  readonly session: string | undefined;
  readonly serviceTier: string | undefined;
  /** Names of the tools that the request offers. */
  readonly tools?: readonly string[];
  /** What decides how much it can cost; read only where budgets ask for it. */
  readonly spend?: SpendFacts | undefined;
}

/** What an answer says of itself. */
export interface AnswerFacts {
  /** The provider's name for the model that answered. */
  readonly model: string | undefined;
  /** Undefined where the provider did not say. */
  readonly usage: Usage | undefined;
  /** The tier that served, where the provider says (`flex`, `priority`, ...): prices follow it. */
  readonly serviceTier: string | undefined;
  /** Undefined if the answer may be kept for others, else why not: `incomplete`, `error`, `filtered`, `refused`, `citations`, ... */
  readonly unfit: string | undefined;
  /** What the model wrote (text, reasoning, tool arguments), for counting tokens where the provider did not. */
  readonly outputText: string;
}

/** Puts a stream together: fed each event, asked once at the end. */
export interface StreamAssembler {
  push(event: SseEvent): void;
  /** The facts so far, and the final message as a plain call would have brought it. `final` is undefined unless the stream ended whole (with its terminal event). */
  finish(): { readonly facts: AnswerFacts; readonly final: JsonObject | undefined };
}

/** One server-sent event, WHATWG HTML section 9.2. `data` joins its data lines with line feeds. */
export interface SseEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/** How an error looks to the caller's SDK. */
export interface ErrorShape {
  readonly status: number;
  /** The dialect's error family, chosen by the gateway from the kind, in OpenAI's words: `invalid_request_error`, ... */
  readonly type: string;
  readonly code: string;
  readonly message: string;
  readonly param: string | undefined;
  /** What a program may want to know of it; goes into a member of its own, `economizer`. */
  readonly details?: JsonObject | undefined;
}

/** One provider dialect. Pure: bytes and clocks are others' business. */
export interface Dialect {
  readonly name: DialectName;
  /** The request member that grows from turn to turn (`messages`, `input`), undefined where there is none. */
  readonly growing: string | undefined;
  /** Request members that cannot change the answer and so stay out of the cache key. */
  readonly inert: ReadonlySet<string>;
  /** @throws EconomizerError `ECO_BAD_FIELD` where a field that we must understand has the wrong type. */
  requestFacts(body: JsonObject): RequestFacts;
  /** What of the request decides how much it can cost. */
  spendTerms(body: JsonObject): SpendTerms;
  answerFacts(answer: JsonObject): AnswerFacts;
  assembler(): StreamAssembler;
  /** The events of a stream that brings `final`, as the provider would send it; used where a plain answer serves a streaming caller. With `usage` false the usage chunk is left out, where the dialect makes it optional. */
  streamEvents(final: JsonObject, options: { readonly usage: boolean }): readonly SseEvent[];
  /** True for the event that carries usage only because it was asked for. */
  isUsageOnly(event: SseEvent): boolean;
  errorBody(shape: ErrorShape): JsonValue;
  /** The event that tells a streaming caller of a failure after the status line has gone. */
  errorEvent(shape: ErrorShape): SseEvent;
}
