import type { SseEvent } from '../../dialect.ts';
import type { Written } from './written.ts';

/** Follows one stream event by event: how much was written, and how to end it here. */
export interface StreamMeter {
  push(event: SseEvent): void;
  readonly written: Written;
  /** Output tokens so far in the provider's own words; undefined where it has not said. */
  readonly told: number | undefined;
  /** The provider has closed the answer: there is nothing left to cut. */
  readonly ended: boolean;
  /** The events that close the answer as though the model had reached its cap. */
  closing(ending: Ending): readonly SseEvent[];
}

export interface Ending {
  /** The caller asked for a count of the tokens at the end of its stream. */
  readonly usage: boolean;
  /** Input tokens, for that count. */
  readonly inputTokens: number;
  /** Output tokens, for that count. */
  readonly outputTokens: number;
}
