/** A shared cache at the edge. */
export interface EdgeConfig {
  /** Without a slash at its end. */
  readonly url: string;
  readonly lookupMs: number;
  /** It may keep answers to `QUERY`. */
  readonly query: boolean;
  readonly purge: EdgePurgeConfig;
}

export type EdgePurgeConfig = { readonly timeoutMs: number } & (
  | { readonly kind: 'varnish'; readonly urls: readonly string[]; readonly secret: string }
  | {
      readonly kind: 'fastly';
      readonly service: string;
      readonly token: string;
      readonly api: string;
    }
  | {
      readonly kind: 'cloudflare';
      readonly zone: string;
      readonly token: string;
      readonly api: string;
    }
);
