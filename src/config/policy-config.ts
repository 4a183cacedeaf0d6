/** A level of the cache, by where it keeps answers. */
export type CacheLevel = 'memory' | 'disk' | 'redis' | 'postgres';

/** How long, where and with whom answers are kept; complete. */
export interface PolicyConfig {
  readonly name: string;
  readonly mode: 'on' | 'off' | 'read-only' | 'write-only';
  readonly ttlMs: number;
  readonly jitter: number;
  readonly staleWhileRevalidateMs: number;
  readonly refreshChance: number;
  readonly staleIfErrorMs: number;
  readonly negativeTtlMs: number;
  readonly reuseSampled: boolean;
  readonly reuseUnset: boolean;
  readonly maxAnswerBytes: number;
  readonly levels: readonly CacheLevel[];
  /** The user named them; else, where none of them is there, others serve. */
  readonly saysLevels: boolean;
  /** Undefined: below memory only. */
  readonly compress: boolean | undefined;
  readonly deduplicate: boolean;
  /** Undefined: all. */
  readonly messages: number | undefined;
  readonly scope: 'tenant' | 'team' | 'shared';
  /** With scope `shared`. */
  readonly shareAs: string;
  readonly shareWith: readonly string[];
  /** With scope `shared`: whether answers may lie at the edge too. */
  readonly edge: 'off' | 'public';
  readonly ignore: readonly string[];
}

/** All that is given must fit; undefined fits everything. */
export interface PolicyRuleConfig {
  readonly policy: string;
  readonly route: readonly string[] | undefined;
  readonly provider: readonly string[] | undefined;
  readonly agent: readonly string[] | undefined;
  readonly tool: readonly string[] | undefined;
  readonly model: readonly string[] | undefined;
  readonly tenant: readonly string[] | undefined;
  readonly team: readonly string[] | undefined;
  readonly tag: readonly string[] | undefined;
  readonly minMessages: number | undefined;
}
