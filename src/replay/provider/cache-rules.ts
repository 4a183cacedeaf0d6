/** How a model's provider caches prompts. The ledger's `prefixRules` has the data; structurally the same. */
export interface CacheRules {
  /** `automatic`: every long enough prefix, in steps; `explicit`: prefixes that end at a breakpoint. */
  readonly mode: 'automatic' | 'explicit' | 'none';
  /** Shorter prefixes are not held. */
  readonly minTokens: number;
  /** Beyond the minimum, an automatic prefix grows in steps of so many tokens. */
  readonly granularity: number;
  /** Held so long after its last use. */
  readonly ttlMs: number;
  /** The longer time that a breakpoint may ask for. */
  readonly ttlLongMs?: number;
  /** Writing has a price of its own; otherwise written tokens cost what fresh ones do. */
  readonly writeCharged: boolean;
}

/** The rules of a model. */
export type RulesOf = (provider: string, model: string) => CacheRules;
