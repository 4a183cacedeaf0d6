import { inputTokens, outputTokens, type Usage } from '../../exchange/usage.ts';
import type { NanoUsd } from '../../kernel/money.ts';
import type { Batch, Conversation } from './memory/conversation.ts';
import type { TokenMeter } from './token-meter.ts';

/** A request that left, until its usage is known. */
export interface SentRequest {
  readonly conversation: Conversation;
  readonly model: string;
  /** Our count, before the model's factor: of the request as it came, and as it left. */
  readonly sizes: { readonly unedited: number; readonly sent: number };
  /** The provider should have had in its cache what the call before sent. */
  readonly hot: boolean;
  /** Edits that were made just now. */
  readonly batch: Batch | undefined;
}

/** What edits did to one call. */
interface Effect {
  /** Of the same call without them. */
  readonly usage: Usage;
  /** New edits were made at this call. */
  readonly isEdit: boolean;
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

  /** The provider refused an edited history and took it as it came: this conversation is not edited any more. */
  refused(callId: string): void {
    const conversation = this.#pending.get(callId)?.conversation;
    this.#pending.delete(callId);
    if (conversation === undefined) return;
    conversation.edits.clear();
    conversation.batches.length = 0;
    conversation.unreadable = { at: 0, why: 'refused' };
  }

  /**
   * What the same call would have used without any edit; undefined where nothing was edited. Learns from the usage on the way. The edited part
   * is taken to have gone as the rest went: what the call before had sent would have been read, had the cache been hot.
   * @param counted what the provider counted.
   * @param base the same, or what it would have counted without other edits of ours.
   */
  without(callId: string, counted: Usage, base: Usage): Effect | undefined {
    const request = this.#pending.get(callId);
    if (request === undefined) return undefined;
    const { conversation, sizes, model, batch } = request;
    const input = inputTokens(counted);
    const removed = Math.round((sizes.unedited - sizes.sent) * this.#meter.factorOf(model));
    this.#meter.learn(model, sizes.sent, input);
    conversation.output += outputTokens(counted);
    noteCaching(conversation, counted);
    const read = request.hot ? readWithout(request, counted, base) : base.cacheRead;
    conversation.told = { sent: input, unedited: input + removed };
    if (conversation.edits.size === 0) {
      this.#pending.delete(callId);
      return undefined;
    }
    return { usage: uneditedUsage(base, removed, read), isEdit: batch !== undefined };
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

function noteCaching(conversation: Conversation, usage: Usage): void {
  const cached = usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  if (usage.cacheWrite1h > 0) conversation.holdsLong = true;
  if (cached > 0) conversation.caches = true;
  // One call without says little: the prompt may have been short, or new.
  else if (conversation.calls > 2 && inputTokens(usage) >= 4 * leastCached) {
    conversation.caches ??= false;
  }
}

/**
 * What would have been read without the edits, where the cache was hot: what was read, and what the call before left out of it. At a call
 * that breaks the prefix, all that the call before would have sent, less what was not read of it at other calls.
 */
function readWithout({ conversation, batch }: SentRequest, counted: Usage, base: Usage): number {
  const { told } = conversation;
  if (told === undefined) return base.cacheRead;
  if (batch === undefined) {
    conversation.unread = Math.max(0, told.sent - counted.cacheRead);
    return base.cacheRead === 0 ? 0 : base.cacheRead + told.unedited - told.sent;
  }
  // Where the edit left nothing long enough to be read, no read does not mean that the cache was cold.
  const wasCold = base.cacheRead === 0 && (base !== counted || batch.keptBefore > 4 * leastCached);
  return wasCold ? 0 : Math.max(base.cacheRead, told.unedited - conversation.unread);
}

function uneditedUsage(usage: Usage, removed: number, read: number): Usage {
  const { fresh, cacheRead, cacheWrite5m, cacheWrite1h } = usage;
  const text = fresh + cacheRead + cacheWrite5m + cacheWrite1h + removed;
  const cached = Math.min(read, text);
  const anew = text - cached;
  const rest = { ...usage, fresh: 0, cacheRead: cached, cacheWrite5m: 0, cacheWrite1h: 0 };
  // What is sent anew goes the way that it went with the edits.
  if (cacheWrite1h > cacheWrite5m) return { ...rest, cacheWrite1h: anew };
  if (cacheWrite5m > 0) return { ...rest, cacheWrite5m: anew };
  return { ...rest, fresh: anew };
}
