import { join, resolve } from 'node:path';
import { alertsConfig, protectionConfig, runawayConfig } from './protection-config.ts';
import type { BudgetConfig, BudgetingConfig } from './budget-config.ts';
import type {
  AccessKey,
  CareConfig,
  Config,
  FitConfig,
  PriceConfig,
  ProviderConfig,
} from './config.ts';
import { cacheConfig } from './build-cache.ts';
import { postgresConfig } from './build-postgres.ts';
import { mcpConfig } from './build-mcp.ts';
import { edgeConfig } from './build-edge.ts';
import { redisConfig } from './build-redis.ts';
import type { ConfigValues } from './schema.ts';

type ProviderValues = ConfigValues['providers'][string];
type PriceValues = ConfigValues['prices'][number];

/** The configuration that checked values stand for. `directory` is what relative paths start from. */
export function buildConfig(values: ConfigValues, directory: string): Config {
  const dataDirectory = resolve(directory, values.data);
  const { ledger, limits } = values;
  return deepFreeze<Config>({
    listen: values.listen,
    dataDirectory,
    providers: Object.entries(values.providers).map(([name, each]) => providerConfig(name, each)),
    defaultProviders: values.default_providers,
    access: {
      keys: values.access.keys.map(accessKey),
      storePath: join(dataDirectory, 'keys.sqlite'),
      adminSha256: values.access.admin_sha256,
    },
    cache: cacheConfig(values.cache, { directory, dataDirectory }),
    budgets: values.budgets.map(budgetConfig),
    budgeting: budgetingConfig(values.budgeting),
    redis: values.redis && redisConfig(values.redis, directory),
    postgres: values.postgres && postgresConfig(values.postgres, directory),
    edge: values.edge && edgeConfig(values.edge),
    care: careConfig(values.care),
    fit: fitConfig(values.fit),
    mcp: mcpConfig(values.mcp, directory),
    protection: protectionConfig(values.protection),
    alerts: alertsConfig(values.alerts),
    runaway: runawayConfig(values.runaway),
    ledger: {
      enabled: ledger.enabled,
      retentionMs: ledger.retention === 0 ? undefined : ledger.retention,
    },
    limits: {
      bodyBytes: limits.body_bytes,
      depth: limits.depth,
      headerBytes: limits.header_bytes,
      headers: limits.headers,
      concurrentCalls: limits.concurrent_calls,
      receiveMs: limits.receive,
      connectMs: limits.connect,
      firstByteMs: limits.first_byte,
      silenceMs: limits.silence,
      totalMs: limits.total === 0 ? undefined : limits.total,
    },
    prices: values.prices.map(priceConfig),
    log: values.log,
    shutdownGraceMs: values.shutdown_grace,
    warnings: [],
  });
}

function accessKey(values: ConfigValues['access']['keys'][number]): AccessKey {
  const { expires, team, agent, models, providers, ...rest } = values;
  return { ...rest, team, agent, models, providers, expiresAt: expires };
}

function providerConfig(name: string, values: ProviderValues): ProviderConfig {
  const headers = Object.entries(values.headers ?? {});
  return {
    name,
    kind: values.kind,
    baseUrl: values.base_url,
    apiKey: values.credentials === 'caller' ? undefined : values.api_key,
    models: values.models ?? [],
    priceId: values.price_id ?? name,
    headers: Object.fromEntries(headers.map(([field, value]) => [field.toLowerCase(), value])),
    asksStreamUsage: values.kind === 'openai' && values.stream_usage !== 'estimate',
    connections: values.connections,
    keepAliveMs: values.keep_alive,
  };
}

function fitConfig(values: ConfigValues['fit']): FitConfig {
  return {
    enabled: values.enabled,
    tokenBudget: values.token_budget,
    keepRecent: values.keep_recent,
    remove: values.remove,
    windowShare: values.window_percent / 100,
    window: values.window === 0 ? undefined : values.window,
    pins: values.pins,
    minify: values.minify,
    refer: values.refer,
    capCharacters: values.cap_characters === 0 ? undefined : values.cap_characters,
    rememberMs: values.remember,
    maxBytes: values.max_bytes,
  };
}

function budgetConfig(values: ConfigValues['budgets'][number]): BudgetConfig {
  const { tenant, team, key, agent, session, tag } = values.scope;
  return {
    id: values.id,
    scope: { tenant, team, key, agent, session, tag },
    limit: values.limit_usd,
    period: values.period,
    timeZone: values.time_zone,
    hard: values.hard,
  };
}

function budgetingConfig(values: ConfigValues['budgeting']): BudgetingConfig {
  return {
    store: values.store,
    lostShare: values.store_lost === 'share' ? values.lost_share_percent / 100 : undefined,
    leaseMs: values.lease,
    outputCap: values.output_cap,
    clampTokens: values.clamp_tokens,
    waitMs: values.wait,
    ceilings: values.ceilings.map(({ provider, model, path, reason, usd }) => ({
      provider,
      model,
      path,
      reason,
      limit: usd,
    })),
    outputTokens: values.output_tokens === 0 ? undefined : values.output_tokens,
    tokensPerSearch: values.tokens_per_search === 0 ? undefined : values.tokens_per_search,
    brokenStreams: values.broken_streams,
  };
}

function careConfig(values: ConfigValues['care']): CareConfig {
  return {
    doctor: values.doctor,
    breakpoints: values.breakpoints,
    order: values.order,
    repair: values.repair,
    affinity: values.affinity,
    fanOut: values.fan_out,
    fanOutWaitMs: values.fan_out_wait,
    keepWarm: values.keep_warm,
    keepWarmPerSession: values.keep_warm_per_session,
    keepWarmPerDay: values.keep_warm_per_day,
    maxBytes: values.max_bytes,
  };
}

function priceConfig(values: PriceValues): PriceConfig {
  return {
    provider: values.provider,
    model: values.model,
    from: dayOf(values.from),
    to: dayOf(values.to),
    serviceTier: values.service_tier,
    input: values.input,
    output: values.output,
    cacheRead: values.cache_read,
    cacheWrite5m: values.cache_write_5m,
    cacheWrite1h: values.cache_write_1h,
    reasoning: values.reasoning,
    audioInput: values.audio_input,
    audioOutput: values.audio_output,
    webSearchPerThousand: values.web_search_per_thousand,
  };
}

/** Midnight UTC of a day such as `2026-01-31`, in milliseconds since the epoch. */
function dayOf(day: string | undefined): number | undefined {
  return day === undefined ? undefined : Date.parse(day);
}

export function deepFreeze<Value extends object>(value: Value): Value {
  for (const each of Object.values(value)) {
    if (typeof each === 'object' && each !== null) deepFreeze(each);
  }
  return Object.freeze(value);
}
