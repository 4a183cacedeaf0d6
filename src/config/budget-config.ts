export interface BudgetConfig {
  readonly id: string;
  readonly scope: {
    readonly tenant: string | undefined;
    readonly team: string | undefined;
    readonly key: string | undefined;
    readonly agent: string | undefined;
    readonly session: string | undefined;
    readonly tag: string | undefined;
  };
  /** Nano-dollars. */
  readonly limit: number;
  readonly period: 'daily' | 'weekly' | 'monthly' | 'total' | 'session';
  readonly timeZone: string;
  readonly hard: boolean;
}

export type UnboundedReason =
  | 'price-unknown'
  | 'output-unknown'
  | 'stored-input'
  | 'remote-input'
  | 'media-input'
  | 'server-tool'
  | 'opaque-path'
  | 'unread';

export interface BudgetingConfig {
  readonly store: 'memory' | 'sqlite' | 'redis';
  /** 0 to 0.5; undefined: hard budgets refuse calls while their store cannot be asked. */
  readonly lostShare: number | undefined;
  /** How long holds outlive the last sign of life of the gateway that made them. */
  readonly leaseMs: number;
  readonly outputCap: 'model-maximum' | 'clamp' | 'wait' | 'refuse';
  readonly clampTokens: number;
  readonly waitMs: number;
  readonly ceilings: readonly {
    readonly provider: string | undefined;
    readonly model: string | undefined;
    readonly path: string | undefined;
    readonly reason: UnboundedReason | undefined;
    /** Nano-dollars. */
    readonly limit: number;
  }[];
  /** Undefined: calls to models of which no list says how much they write need a cap of their own. */
  readonly outputTokens: number | undefined;
  /** Undefined: not known. */
  readonly tokensPerSearch: number | undefined;
  readonly brokenStreams: 'at-most' | 'counted';
}
