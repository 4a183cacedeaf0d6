import { join, resolve } from 'node:path';
import { parseDuration } from '../kernel/duration.ts';
import { sharedCacheConfig } from './build-redis.ts';
import type { CacheConfig } from './config.ts';
import type { CacheLevel, PolicyConfig, PolicyRuleConfig } from './policy-config.ts';
import { defaults } from './defaults.ts';
import { builtInPolicies } from './policy-schema.ts';
import type { ConfigValues } from './schema.ts';

type CacheValues = ConfigValues['cache'];
type PolicyValues = CacheValues['policies'][string];
type RuleValues = CacheValues['rules'][number];

/** What is wanted of a cache, every policy complete. */
export function cacheConfig(
  cache: CacheValues,
  places: { readonly directory: string; readonly dataDirectory: string },
): CacheConfig {
  const { memory, disk } = cache;
  return {
    enabled: cache.enabled,
    ttlMs: cache.ttl,
    staleWhileRevalidateMs: cache.stale_while_revalidate,
    staleIfErrorMs: cache.stale_if_error,
    reuseSampled: cache.reuse_sampled,
    reuseUnset: cache.reuse_unset,
    maxAnswerBytes: cache.max_answer_bytes,
    showKeys: cache.show_keys,
    policies: policyConfigs(cache),
    rules: [...cache.rules, ...defaults.cache.rules].map(ruleConfig),
    memory: {
      enabled: memory.enabled,
      maxEntries: memory.max_entries,
      maxBytes: memory.max_bytes,
    },
    disk: {
      enabled: disk.enabled,
      path:
        disk.path === undefined
          ? join(places.dataDirectory, 'cache.sqlite')
          : resolve(places.directory, disk.path),
      maxBytes: disk.max_bytes,
    },
    ...sharedCacheConfig(cache),
  };
}

type BuiltIn = (typeof builtInPolicies)[number];

interface Preset {
  readonly ttl?: string;
  readonly levels: readonly CacheLevel[];
  readonly compress?: boolean;
  readonly messages?: number;
}

function policyConfigs(cache: CacheValues): readonly PolicyConfig[] {
  const built = Object.fromEntries(
    builtInPolicies.map((name) => [
      name,
      policyConfig(name, cache.policies[name] ?? {}, preset(name, cache)),
    ]),
  ) as Record<BuiltIn, PolicyConfig>;
  const own = Object.entries(cache.policies)
    .filter(([name]) => !(name in built))
    .map(([name, each]) => policyConfig(name, each, built[each.extends ?? 'response']));
  return [...Object.values(built), ...own];
}

/** A built-in policy before the user has a word in it. */
function preset(name: BuiltIn, cache: CacheValues): PolicyConfig {
  const { ttl, levels, compress, messages }: Preset = defaults.cache.policies[name];
  const usualMs = parseDuration(defaults.cache.ttl)!;
  const ownMs = ttl === undefined ? cache.ttl : parseDuration(ttl)!;
  return {
    name,
    mode: 'on',
    // Who shortens the usual time does not want another policy to keep answers for longer.
    ttlMs: cache.ttl < usualMs ? Math.min(ownMs, cache.ttl) : ownMs,
    jitter: 0,
    staleWhileRevalidateMs: cache.stale_while_revalidate,
    refreshChance: defaults.cache.refreshChance,
    staleIfErrorMs: cache.stale_if_error,
    negativeTtlMs: 0,
    reuseSampled: cache.reuse_sampled,
    reuseUnset: cache.reuse_unset,
    maxAnswerBytes: cache.max_answer_bytes,
    levels,
    saysLevels: false,
    compress,
    deduplicate: true,
    messages,
    scope: 'tenant',
    shareAs: '',
    shareWith: [],
    edge: 'off',
    ignore: [],
  };
}

function policyConfig(name: string, own: PolicyValues, base: PolicyConfig): PolicyConfig {
  const messages = own.messages ?? base.messages;
  return {
    name,
    mode: own.mode ?? base.mode,
    ttlMs: own.ttl ?? base.ttlMs,
    jitter: own.jitter ?? base.jitter,
    staleWhileRevalidateMs: own.stale_while_revalidate ?? base.staleWhileRevalidateMs,
    refreshChance: own.refresh_chance ?? base.refreshChance,
    staleIfErrorMs: own.stale_if_error ?? base.staleIfErrorMs,
    negativeTtlMs: own.negative_ttl ?? base.negativeTtlMs,
    reuseSampled: own.reuse_sampled ?? base.reuseSampled,
    reuseUnset: own.reuse_unset ?? base.reuseUnset,
    maxAnswerBytes: own.max_answer_bytes ?? base.maxAnswerBytes,
    levels: own.levels ?? base.levels,
    saysLevels: own.levels !== undefined,
    compress: own.compress ?? base.compress,
    deduplicate: own.deduplicate ?? base.deduplicate,
    messages: messages === 0 ? undefined : messages,
    scope: own.scope ?? base.scope,
    shareAs: own.share_as ?? base.shareAs,
    shareWith: own.share_with ?? base.shareWith,
    edge: own.edge ?? base.edge,
    ignore: own.ignore ?? base.ignore,
  };
}

/** A rule as the file has it; ours cannot be written to. */
type GivenRule = { readonly [Name in keyof RuleValues]: Readonly<RuleValues[Name]> };

function ruleConfig(rule: GivenRule): PolicyRuleConfig {
  return {
    policy: rule.policy,
    route: rule.route,
    provider: rule.provider,
    agent: rule.agent,
    tool: rule.tool,
    model: rule.model,
    tenant: rule.tenant,
    team: rule.team,
    tag: rule.tag,
    minMessages: rule.min_messages,
  };
}
