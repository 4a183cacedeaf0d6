/** What the caller's `Cache-Control` request header asks (RFC 9111 section 5.2.1, RFC 5861 section 4); times in seconds. */
export interface CacheDirectives {
  readonly noCache?: boolean;
  readonly noStore?: boolean;
  readonly onlyIfCached?: boolean;
  readonly maxAge?: number;
  readonly minFresh?: number;
  /** `Infinity` where the directive came without a number: any staleness will do. */
  readonly maxStale?: number;
  readonly staleIfError?: number;
}

export const noDirectives: CacheDirectives = {};
