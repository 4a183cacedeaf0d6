import { inputTokens, outputTokens, type Usage } from '../../exchange/usage.ts';
import type { NanoUsd } from '../../kernel/money.ts';
import type { Batch, Conversation } from './memory/conversation.ts';
import type { TokenMeter } from './token-meter.ts';

/** A request that left, until its usage is known. */
export interface SentRequest {
  readonly conversation: Conversation;
  readonly model: string;
  /** Our count, before the model's factor: of the request as it came, and as it left. */
  readonly counted: { readonly unedited: number; readonly sent: number };
  /** The provider should have had in its cache what the call before sent. */
  readonly hot: boolean;
  /** Edits that were made just now. */
  readonly batch: Batch | undefined;
}

/** Calls under way at the same time. */
const pendingLimit = 20_000;
/** Below it no provider caches, so that no read says nothing. */
const leastCached = 1024;

/** Finds out what edits really did: compares what the provider counted with what it would have counted without them. */
export class Effects {
  readonly #meter: TokenMeter;
  readonly #pending = new Map<string, SentRequest>();

  constructor({ meter }: { readonly meter: TokenMeter }) {
    this.#meter = meter;
  }

  sent(callId: string, request: SentRequest): void {
    if (this.#pending.size >= pendingLimit) this.#pending.clear();
    this.#pending.set(callId, request);
  }

  /** A call ended without usage. */
  forget(callId: string): void {
    this.#pending.delete(callId);
  }

  /**
   * The usage of the same call without any edit; undefined where nothing was edited. Learns from the usage on the way. The edited part is
   * taken to have gone as the rest went: what the call before had sent would have been read, had the cache been hot.
   */
  without(callId: string, usage: Usage): Usage | undefined {
    const request = this.#pending.get(callId);
    if (request === undefined) return undefined;
    const { conversation, counted, model } = request;
    const input = inputTokens(usage);
    this.#meter.learn(model, counted.sent, input);
    conversation.output += outputTokens(usage);
    const written = usage.cacheWrite5m + usage.cacheWrite1h;
    if (usage.cacheRead + written > 0) conversation.caches = true;
    else if (input >= leastCached * 4 && conversation.calls > 2) conversation.caches ??= false;
    const removed = Math.round((counted.unedited - counted.sent) * (input / counted.sent));
    const { last } = conversation;
    const before = last?.uneditedTokens;
    const unedited = input + removed;
    if (last !== undefined) conversation.last = { ...last, uneditedTokens: unedited };
    if (conversation.edits.size === 0) {
      this.#pending.delete(callId);
      return undefined;
    }
    return uneditedUsage(usage, unedited, request.hot ? before : undefined);
  }

  /** What the call really cost less than it would have; nano-dollars, negative where it cost more. */
  realise(callId: string, saved: NanoUsd): void {
    const request = this.#pending.get(callId);
    if (request === undefined) return;
    this.#pending.delete(callId);
    const { conversation, batch } = request;
    if (batch !== undefined) {
      batch.realised += saved;
      return;
    }
    const all = conversation.batches.reduce((sum, each) => sum + each.removedTokens, 0);
    for (const each of conversation.batches) each.realised += saved * (each.removedTokens / all);
  }
}

/** @param before what the call before would have sent, where it would still have been in the cache. */
function uneditedUsage(usage: Usage, unedited: number, before: number | undefined): Usage {
  const wasRead = usage.cacheRead > 0;
  const text = unedited - usage.audioInput;
  const read =
    wasRead && before !== undefined ? Math.min(before, text) : Math.min(usage.cacheRead, text);
  const anew = text - read;
  const rest = { ...usage, fresh: 0, cacheRead: read, cacheWrite5m: 0, cacheWrite1h: 0 };
  // What is sent anew goes the way that it went with the edits.
  if (usage.cacheWrite1h > usage.cacheWrite5m) return { ...rest, cacheWrite1h: anew };
  if (usage.cacheWrite5m > 0) return { ...rest, cacheWrite5m: anew };
  return { ...rest, fresh: anew };
}
