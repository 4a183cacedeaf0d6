/** `economizer mcp`, complete. */
export interface McpConfig {
  readonly servers: readonly McpServerConfig[];
  readonly sessions: number;
  readonly idleMs: number;
}

/** Exactly one of `command` and `url` is there. */
export interface McpServerConfig {
  readonly name: string;
  /** Words of a command line. */
  readonly command: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly forwardAuthorization: boolean;
  /** 0: what the server does not say how long to keep is not kept. */
  readonly listsMs: number;
  readonly readsMs: number;
  readonly maxMessageBytes: number;
  readonly tools: readonly McpToolConfig[];
}

export interface McpToolConfig {
  readonly name: string;
  readonly mode: 'cache' | 'read' | 'write';
  /** Undefined: as the cache policy `tool-results` has it. */
  readonly ttlMs: number | undefined;
  readonly scope:
    | { readonly kind: 'user' | 'tenant' }
    | { readonly kind: 'shared'; readonly name: string };
  readonly volatile: readonly string[];
  readonly sets: readonly string[];
  readonly nfc: boolean;
  /** Undefined: as the cache policy `tool-results` has it. */
  readonly maxBytes: number | undefined;
  readonly priceNanos: number;
  readonly invalidates: 'all' | 'own' | 'none' | readonly string[];
}
