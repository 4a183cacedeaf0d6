import { inputTokens, outputTokens, type Usage } from '../exchange/usage.ts';
import type { NanoUsd } from '../kernel/money.ts';

/** Tokens as the report tells them apart. */
export interface TokenSums {
  readonly fresh: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output: number;
}

/** What traffic cost and how long its callers waited, on one side of the comparison. */
export class Side {
  #nanos: NanoUsd = 0;
  #waitedMs = 0;
  #tokens = { fresh: 0, cache_read: 0, cache_write: 0, output: 0 };

  add(usage: Usage, nanos: NanoUsd, waitedMs: number): void {
    const written = usage.cacheWrite5m + usage.cacheWrite1h;
    this.#nanos += nanos;
    this.#waitedMs += waitedMs;
    this.#tokens.fresh += inputTokens(usage) - usage.cacheRead - written;
    this.#tokens.cache_read += usage.cacheRead;
    this.#tokens.cache_write += written;
    this.#tokens.output += outputTokens(usage);
  }

  get nanos(): NanoUsd {
    return this.#nanos;
  }

  /** Time that callers waited for whole answers, summed over the calls. */
  get seconds(): number {
    return this.#waitedMs / 1000;
  }

  get tokens(): TokenSums {
    return { ...this.#tokens };
  }
}
