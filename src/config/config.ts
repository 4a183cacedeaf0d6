import type { PostgresCacheConfig, PostgresConfig } from './postgres-config.ts';
import type { McpConfig } from './mcp-config.ts';
import type { BudgetConfig, BudgetingConfig } from './budget-config.ts';
import type { EdgeConfig } from './edge-config.ts';
import type { CacheLevel, PolicyConfig, PolicyRuleConfig } from './policy-config.ts';
import type { AlertsConfig, ProtectionConfig, RunawayConfig } from './protection-config.ts';

/** The configuration as the composition roots get it: frozen, times in milliseconds, sizes in bytes, paths absolute. */
export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  readonly dataDirectory: string;
  /** In the order of the file, the two public ones last where the file does not name them. */
  readonly providers: readonly ProviderConfig[];
  /** Names of the providers for calls to the bare paths whose model no provider claims. */
  readonly defaultProviders: { readonly openai: string; readonly anthropic: string };
  readonly access: {
    readonly keys: readonly AccessKey[];
    /** The file of the keys that `economizer keys` makes. */
    readonly storePath: string;
    /** SHA-256 of the key that administers the whole installation; undefined where none is configured. */
    readonly adminSha256: string | undefined;
  };
  readonly cache: CacheConfig;
  readonly budgets: readonly BudgetConfig[];
  readonly budgeting: BudgetingConfig;
  /** Undefined: nothing is shared between gateways. */
  readonly redis: RedisConfig | undefined;
  /** Undefined: nothing is kept there. */
  readonly postgres: PostgresConfig | undefined;
  readonly edge: EdgeConfig | undefined;
  readonly care: CareConfig;
  readonly fit: FitConfig;
  readonly mcp: McpConfig;
  readonly protection: ProtectionConfig;
  readonly alerts: AlertsConfig;
  readonly runaway: RunawayConfig;
  readonly ledger: {
    readonly enabled: boolean;
    /** Undefined: calls are kept for ever. */
    readonly retentionMs: number | undefined;
  };
  readonly limits: LimitsConfig;
  readonly prices: readonly PriceConfig[];
  readonly log: { readonly level: LogLevel; readonly format: 'text' | 'json' };
  readonly shutdownGraceMs: number;
  /** What holds and is probably not meant; told once at the start. */
  readonly warnings: readonly string[];
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface ProviderConfig {
  readonly name: string;
  readonly kind: 'openai' | 'anthropic';
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** What the provider is shown in place of the caller's credential; undefined: the caller's own goes through. */
  readonly apiKey: string | undefined;
  /** Patterns with `*`; empty: claims no model. */
  readonly models: readonly string[];
  readonly priceId: string;
  /** Added to every call; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly asksStreamUsage: boolean;
  readonly connections: number;
  readonly keepAliveMs: number;
}

export interface AccessKey {
  readonly id: string;
  /** 64 hexadecimal digits in lower case. */
  readonly sha256: string;
  readonly tenant: string;
  readonly team: string | undefined;
  readonly agent: string | undefined;
  readonly tags: readonly string[];
  /** Patterns with `*`; undefined: all. */
  readonly models: readonly string[] | undefined;
  readonly providers: readonly string[] | undefined;
  readonly scopes: readonly ('call' | 'read' | 'admin' | 'operator')[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  readonly overridable: boolean;
}

export interface CacheConfig {
  readonly enabled: boolean;
  readonly ttlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly reuseSampled: boolean;
  readonly reuseUnset: boolean;
  readonly maxAnswerBytes: number;
  readonly showKeys: boolean;
  /** The built-in ones first, each complete. */
  readonly policies: readonly PolicyConfig[];
  /** Ours stand behind the user's. */
  readonly rules: readonly PolicyRuleConfig[];
  readonly memory: {
    readonly enabled: boolean;
    readonly maxEntries: number;
    readonly maxBytes: number;
  };
  readonly disk: { readonly enabled: boolean; readonly path: string; readonly maxBytes: number };
  /** Used where the configuration has a Redis. */
  readonly redis: {
    readonly enabled: boolean;
    readonly maxAnswerBytes: number;
    readonly lookupMs: number;
    readonly storeMs: number;
  };
  readonly postgres: PostgresCacheConfig;
  /** Every level once, the one to be asked first in front. */
  readonly order: readonly CacheLevel[];
  /** Undefined: this installation's own, or what gateways agree on. */
  readonly secret: string | undefined;
  readonly flights: {
    readonly enabled: boolean;
    readonly waitMs: number;
    readonly leaseMs: number;
  };
}

/** Exactly one of `url`, `sentinel` and `cluster` is there. */
export interface RedisConfig {
  readonly url: string | undefined;
  readonly sentinel:
    | {
        readonly name: string;
        readonly nodes: readonly RedisAddress[];
        readonly username: string | undefined;
        readonly password: string | undefined;
      }
    | undefined;
  readonly cluster: { readonly nodes: readonly RedisAddress[] } | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Files in PEM, absolute; undefined: encrypted only where `url` says so. */
  readonly tls:
    | {
        readonly ca: string | undefined;
        readonly cert: string | undefined;
        readonly key: string | undefined;
        readonly serverName: string | undefined;
      }
    | undefined;
  readonly prefix: string;
  readonly connectMs: number;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface CareConfig {
  readonly doctor: boolean;
  readonly breakpoints: boolean;
  readonly order: boolean;
  readonly repair: boolean;
  readonly affinity: boolean;
  readonly fanOut: boolean;
  readonly fanOutWaitMs: number;
  readonly keepWarm: boolean;
  readonly keepWarmPerSession: number;
  readonly keepWarmPerDay: number;
  readonly maxBytes: number;
}

export interface FitConfig {
  readonly enabled: boolean;
  readonly tokenBudget: number;
  readonly keepRecent: number;
  readonly remove: 'never' | 'needed' | 'paying';
  readonly windowShare: number;
  /** Where no price list says how much a model takes; undefined: not known. */
  readonly window: number | undefined;
  readonly pins: readonly string[];
  readonly minify: boolean;
  readonly refer: boolean;
  /** Undefined: results are never capped. */
  readonly capCharacters: number | undefined;
  readonly rememberMs: number;
  readonly maxBytes: number;
}

export interface LimitsConfig {
  readonly bodyBytes: number;
  readonly depth: number;
  readonly headerBytes: number;
  readonly headers: number;
  readonly concurrentCalls: number;
  readonly receiveMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly silenceMs: number;
  /** Undefined: no limit. */
  readonly totalMs: number | undefined;
}

/** US dollars per million tokens; undefined where the file does not say. */
export interface PriceConfig {
  readonly provider: string | undefined;
  readonly model: string;
  /** Wall time in milliseconds since the epoch, inclusive. */
  readonly from: number | undefined;
  /** Exclusive. */
  readonly to: number | undefined;
  readonly serviceTier: string | undefined;
  readonly input: number;
  readonly output: number | undefined;
  readonly cacheRead: number | undefined;
  readonly cacheWrite5m: number | undefined;
  readonly cacheWrite1h: number | undefined;
  readonly reasoning: number | undefined;
  readonly audioInput: number | undefined;
  readonly audioOutput: number | undefined;
  /** US dollars per thousand searches. */
  readonly webSearchPerThousand: number | undefined;
}
