import type { Span } from '../kernel/json-members.ts';
import type { ClientMark } from './care/normalise.ts';
import type { Soundness } from './care/soundness.ts';
import type { BodySpans } from '../kernel/json-spans.ts';
import type { PromptLayout, RegionName } from './layout.ts';
import type { StaticPart, StaticUse } from './static-part.ts';

/** A place in a prompt up to which the provider was asked to keep it. */
export interface Held {
  readonly region: RegionName;
  readonly item: number;
  /** Bytes of the prompt up to there, marks not counted. */
  readonly bytes: number;
  /** Tokens up to there, once the provider has counted. */
  readonly tokens: number;
  readonly expiresAt: number;
  /** The client's own mark, or the provider by itself, would have held it too. */
  readonly isClients: boolean;
}

/**
 * One conversation as the provider sees it: its last request as it left, but for our marks and what is added at the very end, since
 * neither is part of the prefix that the next request will have.
 */
export interface Thread {
  readonly key: string;
  /** The session that its caller names, with its tenant. */
  readonly session: string | undefined;
  body: Buffer;
  /** The client's marks in it, and the stretches that they take. */
  marks: readonly ClientMark[];
  cuts: readonly Span[];
  spans: BodySpans;
  layout: PromptLayout;
  provider: string;
  model: string;
  /** When the last request left, milliseconds since the epoch. */
  at: number;
  /** It has been answered. */
  answered: boolean;
  calls: number;
  /** Input tokens of the last request; 0 before its answer. */
  tokens: number;
  /** From the deepest to the shallowest. */
  held: readonly Held[];
  /** What became of the calls so far. */
  readonly tally: { tried: number; short: number; long: number };
  staticPart: StaticPart | undefined;
  /** What is known of it. */
  staticUse: StaticUse | undefined;
  /** Whether its tool calls and results belong together, as far as it was looked at. */
  soundness: Soundness | undefined;
  /** When its prefix was last read again to keep it; undefined since its last own call. */
  warmedAt: number | undefined;
  /** Its last call was counted as never followed up. */
  isGivenUp: boolean;
}

/** Bytes that a thread is reckoned at: its body and what is known of its items. */
export function sizeOf(thread: Thread): number {
  let items = 0;
  for (const region of thread.layout) items += region.items.length;
  return thread.body.length + 64 * items + 1024;
}
