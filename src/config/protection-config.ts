import type { ConfigValues } from './schema.ts';
import type { pressureActions } from './protection-schema.ts';

type ActionName = (typeof pressureActions)[number];

/** Names or patterns with `*`. */
export interface CallersConfig {
  readonly agents: readonly string[];
  readonly keys: readonly string[];
  readonly teams: readonly string[];
  readonly tags: readonly string[];
}

export interface ProtectionConfig {
  readonly enabled: boolean;
  /** Ascending; `at` is a share of the limit, 0 to 1. */
  readonly levels: readonly { readonly at: number; readonly actions: readonly ActionName[] }[];
  /** As a share of the limit. */
  readonly margin: number;
  readonly essential: CallersConfig;
  /** Undefined: all that are not essential. */
  readonly deferrable: CallersConfig | undefined;
  readonly cacheMore: {
    readonly ttlFactor: number;
    readonly staleMs: number;
    readonly sampled: boolean;
  };
  readonly cheaperModels: {
    readonly map: readonly {
      readonly from: string;
      readonly to: string;
      readonly provider: string | undefined;
    }[];
    readonly essential: boolean;
  };
  readonly concurrentCalls: number;
}

export interface RunawayConfig {
  /** Undefined: never. */
  readonly warnAfter: number | undefined;
  readonly refuseAfter: number | undefined;
  readonly callsPerSession: number | undefined;
}

export interface AlertsConfig {
  /** Shares of the limit, 0 to 1, ascending. */
  readonly thresholds: readonly number[];
  /** By id of the budget. */
  readonly budgets: Readonly<Record<string, readonly number[]>>;
  readonly webhooks: readonly {
    readonly url: string;
    /** The first signs, a second one too while it is being changed. */
    readonly secrets: readonly string[];
  }[];
  readonly slack: readonly string[];
  readonly giveUpMs: number;
}

export function protectionConfig(values: ConfigValues['protection']): ProtectionConfig {
  const { essential, deferrable, cache_more, cheaper_models } = values;
  return {
    enabled: values.enabled,
    levels: values.levels.map(({ at, actions }) => ({ at: at / 100, actions })),
    margin: values.margin_percent / 100,
    essential,
    deferrable,
    cacheMore: {
      ttlFactor: cache_more.ttl_factor,
      staleMs: cache_more.stale,
      sampled: cache_more.sampled,
    },
    cheaperModels: {
      map: cheaper_models.map.map(({ from, to, provider }) => ({ from, to, provider })),
      essential: cheaper_models.essential,
    },
    concurrentCalls: values.scale_down.concurrent_calls,
  };
}

export function runawayConfig(values: ConfigValues['runaway']): RunawayConfig {
  const given = (count: number): number | undefined => (count === 0 ? undefined : count);
  return {
    warnAfter: given(values.warn_after),
    refuseAfter: given(values.refuse_after),
    callsPerSession: given(values.calls_per_session),
  };
}

export function alertsConfig(values: ConfigValues['alerts']): AlertsConfig {
  const { budgets, webhooks } = values;
  return {
    thresholds: sharesOf(values.thresholds),
    budgets: Object.fromEntries(
      Object.entries(budgets).map(([id, percents]) => [id, sharesOf(percents)]),
    ),
    webhooks: webhooks.map(({ url, secret, old_secret }) => ({
      url,
      secrets: old_secret === undefined ? [secret] : [secret, old_secret],
    })),
    slack: values.slack,
    giveUpMs: values.give_up,
  };
}

function sharesOf(percents: readonly number[]): readonly number[] {
  return [...new Set(percents)].toSorted((one, other) => one - other).map((each) => each / 100);
}
