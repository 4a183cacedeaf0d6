import type { DialectName } from '../../exchange/dialect.ts';
import { noUsage, type Usage } from '../../exchange/usage.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { anthropicPrompt } from './anthropic-prompt.ts';
import type { RulesOf } from './prefix-cache.ts';
import { HotPrefixes } from './hot-prefixes.ts';
import { firstTokenMs, generationMs } from './latency.ts';
import { openaiPrompt } from './openai-prompt.ts';
import { promptTokens, type Prompt } from './prompt.ts';
import { visitCache } from './prefix-cache.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Tokens of an answer. */
export interface OutputTokens {
  readonly output: number;
  readonly reasoning: number;
}

/** A request as it arrives at the provider. */
export interface Arrival {
  readonly provider: string;
  readonly model: string;
  readonly dialect: DialectName;
  readonly body: JsonObject;
  /** Organisation or credential: prefixes are never shared across it. */
  readonly scope: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly answer: OutputTokens;
}

/** What the provider counts and how long it takes. */
export interface Bill {
  readonly usage: Usage;
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

/**
 * The part of a simulated provider that counts: prompt caching by the model's rules, usage in our classes, latencies.
 * Pure but for what it holds; time comes with each arrival, and arrivals must come in order of time.
 */
export class BillingBrain {
  readonly #tokenizer: Tokenizer;
  readonly #rulesOf: RulesOf;
  readonly #speed: number;
  readonly #hot = new HotPrefixes();

  /** @param options.speed times as fast as a real provider; `Infinity` takes no time at all. */
  constructor(options: { tokenizer: Tokenizer; rulesOf: RulesOf; speed?: number }) {
    this.#tokenizer = options.tokenizer;
    this.#rulesOf = options.rulesOf;
    this.#speed = options.speed ?? 1;
  }

  /** Bills a request and holds its prefixes from the first token of its answer on. */
  bill(arrival: Arrival): Bill {
    const { provider, model, scope, at, answer } = arrival;
    const visit = visitCache({
      prompt: this.prompt(arrival),
      rules: this.#rulesOf(provider, model),
      hot: this.#hot,
      scope: `${scope}\n${model}`,
      at,
    });
    const first = firstTokenMs(visit.uncached) / this.#speed;
    visit.keep(at + first);
    const { fresh, read, written, writtenLong } = visit.usage;
    return {
      usage: {
        ...noUsage,
        ...answer,
        fresh,
        cacheRead: read,
        cacheWrite5m: written,
        cacheWrite1h: writtenLong,
      },
      firstTokenMs: first,
      totalMs: first + generationMs(answer.output + answer.reasoning) / this.#speed,
    };
  }

  /** The prompt as the provider's cache sees it. */
  prompt({ dialect, body }: Pick<Arrival, 'dialect' | 'body'>): Prompt {
    const isAnthropic = dialect === 'anthropic-messages' || dialect === 'anthropic-count-tokens';
    return isAnthropic
      ? anthropicPrompt(body, this.#tokenizer)
      : openaiPrompt(body, this.#tokenizer);
  }

  /** Input tokens of a request, as a token counting endpoint tells them. */
  count(request: Pick<Arrival, 'dialect' | 'body'>): number {
    return promptTokens(this.prompt(request));
  }

  /** Tokens of a text that the model wrote. */
  textTokens(text: string): number {
    return this.#tokenizer.ids(text).length;
  }
}
