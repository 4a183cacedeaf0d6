import { commonPrefix } from '../../../kernel/json-spans.ts';
import type { Conversation } from './conversation.ts';

export interface MemoryLimits {
  /** How long a conversation is remembered after its last call, in milliseconds. */
  readonly rememberMs: number;
  /** All that is remembered, in bytes; half of it is for conversations that are not packed. */
  readonly maxBytes: number;
}

/** Conversations of one beginning; more are told apart badly, and the least recently used goes. */
const perBucket = 64;

/**
 * The conversations of the last while, in memory, bounded in time and bytes. Those that paused are compressed. Each conversation that is
 * forgotten is told to `onForgotten`, whose agent's past it becomes.
 */
export class ConversationMemory {
  readonly #limits: MemoryLimits;
  readonly #onForgotten: (conversation: Conversation) => void;
  readonly #buckets = new Map<string, Set<Conversation>>();
  /** In the order of use, with the size that was counted. */
  readonly #plain = new Map<Conversation, number>();
  readonly #packed = new Map<Conversation, number>();
  #plainBytes = 0;
  #packedBytes = 0;

  constructor(limits: MemoryLimits, onForgotten: (conversation: Conversation) => void) {
    this.#limits = limits;
    this.#onForgotten = onForgotten;
  }

  get count(): number {
    return this.#plain.size + this.#packed.size;
  }

  get bytes(): number {
    return this.#plainBytes + this.#packedBytes;
  }

  /** The conversation of this bucket whose latest request `body` goes on with. */
  continuedBy(bucket: string, body: Buffer): Conversation | undefined {
    for (const conversation of this.#buckets.get(bucket) ?? []) {
      if (conversation.isContinuedBy(body)) return conversation;
    }
    return undefined;
  }

  /** The conversation of this bucket that has the most in common with a body that continues none, and how many bytes that is. */
  nearest(bucket: string, body: Buffer): { conversation: Conversation; same: number } | undefined {
    let best: { conversation: Conversation; same: number } | undefined;
    for (const conversation of this.#buckets.get(bucket) ?? []) {
      if (conversation.isPacked) continue;
      const same = commonPrefix(conversation.prefix, body);
      if (same > (best?.same ?? 0)) best = { conversation, same };
    }
    return best;
  }

  /** Keeps a conversation after it changed, as the most recently used. */
  keep(conversation: Conversation): void {
    const { bucket } = conversation;
    const known = this.#buckets.get(bucket) ?? new Set<Conversation>();
    this.#buckets.set(bucket, known);
    // The newest first, so that it is compared first.
    known.delete(conversation);
    const others = [...known];
    known.clear();
    known.add(conversation);
    for (const other of others) known.add(other);
    this.#drop(conversation);
    const { size } = conversation;
    // One that would push many others out is not worth it.
    if (size > this.#limits.maxBytes / 4) {
      this.#forget(conversation);
      return;
    }
    this.#plain.set(conversation, size);
    this.#plainBytes += size;
    if (known.size > perBucket) this.#forget(others.at(-1)!);
    this.#shrink();
  }

  /** Forgets what nobody has used since `now` less the time to remember. */
  expire(now: number): void {
    for (const order of [this.#packed, this.#plain]) {
      for (const [conversation] of order) {
        if ((conversation.lastAt ?? now) + this.#limits.rememberMs > now) break;
        this.#forget(conversation);
      }
    }
  }

  #shrink(): void {
    for (const [oldest] of this.#plain) {
      if (this.#plainBytes <= this.#limits.maxBytes / 2 || this.#plain.size === 1) break;
      this.#drop(oldest);
      oldest.pack();
      this.#packed.set(oldest, oldest.size);
      this.#packedBytes += oldest.size;
    }
    for (const [oldest] of this.#packed) {
      if (this.bytes <= this.#limits.maxBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(conversation: Conversation): void {
    this.#drop(conversation);
    const known = this.#buckets.get(conversation.bucket);
    known?.delete(conversation);
    if (known?.size === 0) this.#buckets.delete(conversation.bucket);
    this.#onForgotten(conversation);
  }

  #drop(conversation: Conversation): void {
    this.#plainBytes -= this.#plain.get(conversation) ?? 0;
    this.#packedBytes -= this.#packed.get(conversation) ?? 0;
    this.#plain.delete(conversation);
    this.#packed.delete(conversation);
  }
}
