import type { NanoUsd } from '../kernel/money.ts';

/** What a tool is to the cache. */
export type ToolMode =
  | 'cache' // its results are kept
  | 'read' // it changes nothing, and is called each time
  | 'write'; // it changes things

/** What the operator says of one tool. */
export interface McpToolPolicy {
  readonly mode: ToolMode;
  readonly ttlMs: number;
  readonly scope:
    | { readonly kind: 'user' | 'tenant' }
    | { readonly kind: 'shared'; readonly name: string };
  readonly volatile: readonly string[];
  readonly sets: readonly string[];
  readonly nfc: boolean;
  readonly maxBytes: number;
  readonly priceNanos: NanoUsd;
  /** Of a tool that changes things: `all` that is kept of the server, only what is its caller's `own`, what these tools gave, or nothing. */
  readonly invalidates: 'all' | 'own' | 'none' | readonly string[];
}

/** A server behind us, and what may be kept of what it says. */
export interface McpServerPolicy {
  readonly name: string;
  /** Tells it from any other server of that name: what is started or called, and with which credentials. */
  readonly identity: string;
  /** How long lists are kept of which the server does not say how long; 0: not at all. */
  readonly listsMs: number;
  /** The same of resources that were read. */
  readonly readsMs: number;
  readonly tools: ReadonlyMap<string, McpToolPolicy>;
}
