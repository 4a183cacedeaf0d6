import type { Span } from '../../kernel/json-members.ts';
import type { JsonValue } from '../../kernel/json.ts';
import type { Conversation, KnownItem } from './memory/conversation.ts';
import type { Situation } from './question.ts';
import type { TokenMeter } from './token-meter.ts';
import { isFault, type TurnReader } from './turns/item.ts';

/** Guesses are high, so that no edit is missed that counting would show to be due. */
const guessedBytesPerToken = 3;
/** What a provider adds to each message: role and separators. */
const frameTokens = 4;
/** Characters counted at one call: about twenty milliseconds. What is left is guessed until the next. */
const countedCharacters = 96_000;

type SizeParts = Pick<Situation, 'tokensOf' | 'headTokens' | 'factor'>;

/** How many tokens the parts of a conversation are: guessed from their bytes for nothing, or counted, once each. */
export class Sizes {
  readonly #meter: TokenMeter;

  constructor(meter: TokenMeter) {
    this.#meter = meter;
  }

  headBytes(body: Buffer, spans: readonly Span[]): number {
    return body.length - spans.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Sizes guessed high where they were not counted. */
  guessed(conversation: Conversation, model: string): SizeParts {
    const factor = this.#meter.factorOf(model);
    return {
      factor,
      tokensOf: ({ tokens, bytes }) => (tokens ?? bytes / guessedBytesPerToken) * factor,
      headTokens: (conversation.headBytes / guessedBytesPerToken) * factor,
    };
  }

  /** Counted sizes, and plain estimates for what there was no time to count. */
  counted(conversation: Conversation, model: string): SizeParts {
    const factor = this.#meter.factorOf(model);
    return {
      factor,
      tokensOf: (item) => this.#own(conversation, item) * factor,
      headTokens: this.#meter.estimate(conversation.headBytes) * factor,
    };
  }

  /** Sizes by our own count. */
  ownOf(conversation: Conversation): (item: KnownItem) => number {
    return (item) => this.#own(conversation, item);
  }

  /** Counts the items that were not counted before, the newest first, for as long as it may take. */
  count(
    conversation: Conversation,
    body: Buffer,
    spans: readonly Span[],
    reader: TurnReader,
  ): void {
    let left = countedCharacters;
    for (let index = conversation.items.length - 1; index >= 0 && left > 0; index--) {
      const known = conversation.items[index]!;
      const span = spans[index];
      if (known.tokens !== undefined || span === undefined) continue;
      const read = reader.read(
        JSON.parse(body.toString('utf8', span.start, span.end)) as JsonValue,
      );
      if (isFault(read)) continue;
      known.tokens = this.#meter.count(read.text) + frameTokens;
      conversation.countedBytes += known.bytes;
      conversation.countedTokens += known.tokens;
      left -= read.text.length;
    }
  }

  /** Our tokens of the latest request, without the model's factor: as it came, and as it leaves. */
  totals(conversation: Conversation): { readonly unedited: number; readonly sent: number } {
    let unedited = this.#meter.estimate(conversation.headBytes);
    let sent = unedited;
    for (const item of conversation.items) {
      const tokens = this.#own(conversation, item);
      unedited += tokens;
      sent += Math.max(0, tokens - item.removedTokens);
    }
    return { unedited, sent };
  }

  #own({ countedBytes, countedTokens }: Conversation, { tokens, bytes }: KnownItem): number {
    if (tokens !== undefined) return tokens;
    if (countedTokens === 0) return this.#meter.estimate(bytes);
    return bytes * (countedTokens / countedBytes);
  }
}
