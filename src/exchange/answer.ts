import type { DialectName } from './dialect.ts';
import type { Bytes } from './stream.ts';
import type { Usage, UsageSource } from './usage.ts';

/**
 * A whole answer as it is kept: the final message, and where it came as a stream its frames, so that the same
 * entry serves a streaming caller with the provider's own bytes and a plain caller with the final message.
 */
export interface Answer {
  /** `tool-result`: what a tool gave, which no model was asked for. */
  readonly dialect: DialectName | 'tool-result';
  /** The provider's status, where it is not 200: a refusal that would come again. */
  readonly status?: number;
  readonly model: string | undefined;
  readonly serviceTier: string | undefined;
  /** The plain body: the provider's own bytes where the call was plain, else what its stream amounts to. */
  readonly final: Bytes;
  /** Where the answer came as a stream: its frames in the lossless form of `frames.ts`. */
  readonly frames: Bytes | undefined;
  /** Headers worth repeating (content type and the vendor's own, never cookies or rate limits); names and values in turn. */
  readonly headers: readonly string[];
  readonly usage: Usage | undefined;
  readonly usageSource: UsageSource | undefined;
  /** How long the provider took when it was asked, in milliseconds. */
  readonly firstByteMs: number;
  readonly totalMs: number;
}
