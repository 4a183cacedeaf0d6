import type { Keyring } from '../access/keyring.ts';
import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installationSecret } from '../cache/installation-secret.ts';
import { createMemoryPurges } from '../cache/invalidation/memory-purges.ts';
import type { PurgeTarget } from '../cache/invalidation/purge-target.ts';
import type { PurgeStore, SharedPurgeStore } from '../cache/invalidation/purge-store.ts';
import { PurgeWatch } from '../cache/invalidation/purge-watch.ts';
import { Purger } from '../cache/invalidation/purger.ts';
import { createRedisPurges } from '../cache/invalidation/redis-purges.ts';
import { createSqlitePurges } from '../cache/invalidation/sqlite-purges.ts';
import { PolicyBook } from '../cache/policies/policy-book.ts';
import type { CachePolicy, CacheScope } from '../cache/policy.ts';
import { CacheStack } from '../cache/stack.ts';
import type { CacheTier } from '../cache/tier.ts';
import { edgeTierName } from '../cache/tiers/edge.ts';
import { createMemoryTier } from '../cache/tiers/memory.ts';
import { createSqliteTier } from '../cache/tiers/sqlite.ts';
import type { SecretInUse } from '../cache/shared-secret.ts';
import type { Config } from '../config/config.ts';
import type { CacheLevel, PolicyConfig } from '../config/policy-config.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import type { PipelineParts } from '../pipeline/stages.ts';
import { openPostgresParts, postgresPurges } from './postgres-parts.ts';
import { EdgeDoor } from '../gateway/edge/edge-door.ts';
import { openEdgeParts, type EdgeParts } from './edge-parts.ts';
import { KeyEndings } from './key-endings.ts';
import { openSharedParts, type SharedParts } from './shared-parts.ts';

/** What others than the stages have to do with the cache. */
export interface CacheFaces {
  readonly stack: CacheStack;
  readonly purger: Purger;
  /** Where an edge fetches answers from; undefined where there is none. */
  readonly edge: EdgeDoor | undefined;
  /** Tells the edge of keys that end; undefined where it keeps no answers for keys. */
  readonly keyEndings: KeyEndings | undefined;
}

/** The cache of a house: its tiers, who gets what from them, and what takes it out again. */
export interface CacheParts {
  readonly faces: CacheFaces;
  readonly forPipeline: Pick<
    PipelineParts,
    'stack' | 'policies' | 'purges' | 'showsKeys' | 'publicAnswers' | 'random'
  >;
  /** What was purged; calls that change things add to it. */
  readonly purges: PurgeWatch;
  /** Resolves when what others purged is known, or cannot be for now; never rejects. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export interface CachePartsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly shared: SharedParts | undefined;
  /** What keys and seals are made with. */
  readonly secret: SecretInUse;
  /** Undefined where nobody is served. */
  readonly keyring?: Keyring;
  /** Whether anything is kept in the data directory. */
  readonly keeps: boolean;
  /** Without the tier that this process alone sees: for a command beside the gateway. */
  readonly withoutMemory?: boolean;
}

/** For one command about purges; nobody waits for it while serving a call. */
const purgeDeadlineMs = 2000;

/** @throws EconomizerError `ECO_CACHE_FILE` where a file cannot be opened. */
export function openCacheParts(options: CachePartsOptions): CacheParts {
  const { config, clock, signals, shared } = options;
  const purges = new PurgeWatch({
    local: ownPurges(options),
    shared: sharedPurges(options),
    clock,
    signals,
  });
  const postgres = openPostgresParts(options);
  const { withoutMemory: isBeside = false, secret, keeps } = options;
  const edge = openEdgeParts({ config, secret, keeps: keeps && !isBeside, clock, signals });
  const own = tiersOf(options);
  const tiers = edge === undefined || isBeside ? own : [...own, edge.tier];
  const stack = new CacheStack({ tiers, clock, signals, purges });
  const targets: readonly PurgeTarget[] = edge === undefined ? [] : [edge.purges];
  const purger = new Purger({ watch: purges, stack, targets, clock, signals });
  const keyEndings = keyEndingsOf(edge, options);
  const door = edge && new EdgeDoor({ origin: edge.origin(stack, own), signals });
  return {
    faces: { stack, purger, edge: door, keyEndings },
    forPipeline: {
      stack,
      policies: bookOf(config, tiers),
      purges,
      showsKeys: config.cache.showKeys,
      publicAnswers: edge?.publicAnswers,
      random: { next: Math.random },
    },
    purges,
    async ready() {
      await Promise.all([shared?.ready, postgres?.ready]);
      await purges.ready();
      // What was purged before this gateway served is the business of those who served then.
      if (!isBeside) edge?.purges.listen();
    },
    async close() {
      keyEndings?.close();
      await purger.idle();
      await stack.close();
      await postgres?.close();
      await edge?.close();
      await purges.close();
    },
  };

  /** What no tier shares, no other gateway can have purged. */
  function sharedPurges({ shared }: CachePartsOptions): SharedPurgeStore | undefined {
    if (shared?.tier === undefined) return postgresPurges(options);
    const { link, prefix } = shared;
    const onFailure = (error: unknown): void =>
      signals.emit('part-failed', { part: 'cache.purges', operation: 'listen', error });
    const deadlineMs = purgeDeadlineMs;
    return createRedisPurges({ link, prefix, deadlineMs, onFailure });
  }

  function tiersOf({ withoutMemory = false }: CachePartsOptions): CacheTier[] {
    const { enabled, memory, disk, order } = config.cache;
    const hasMemory = memory.enabled && !withoutMemory;
    const makers: Record<CacheLevel, () => CacheTier | undefined> = {
      memory: () =>
        hasMemory ? createMemoryTier({ ...memory, clock, seed: randomInt(2 ** 31) }) : undefined,
      disk: () => (disk.enabled ? createSqliteTier({ ...disk, clock, signals }) : undefined),
      redis: () => shared?.tier,
      postgres: () => postgres?.tier,
    };
    if (!enabled) return [];
    // In the order in which they are asked.
    return order.map((level) => makers[level]()).filter((tier) => tier !== undefined);
  }
}

/**
 * What a command needs to purge beside a gateway, or without one.
 * @throws EconomizerError `ECO_CACHE_FILE` where a file cannot be opened.
 */
export async function openPurger({
  config,
  clock,
  signals,
}: Pick<CachePartsOptions, 'config' | 'clock' | 'signals'>): Promise<
  Pick<CacheFaces, 'purger'> & Pick<CacheParts, 'close'>
> {
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const ownSecret = installationSecret(config.dataDirectory);
  const shared = openSharedParts({ config, clock, signals, ownSecret, keeps: true });
  const parts = openCacheParts({
    config,
    clock,
    signals,
    shared,
    secret: secretInUse(config, shared, ownSecret),
    keeps: true,
    withoutMemory: true,
  });
  await parts.ready();
  return {
    purger: parts.faces.purger,
    async close() {
      await parts.close();
      await shared?.close();
    },
  };
}

/** Beside the cache file, whose entries it is about: processes that share the one share the other. */
function ownPurges({ config, clock, signals, keeps }: CachePartsOptions): PurgeStore {
  const { enabled, disk } = config.cache;
  if (!enabled || !keeps) return createMemoryPurges();
  const directory = disk.enabled ? dirname(disk.path) : config.dataDirectory;
  return createSqlitePurges({ path: join(directory, 'purges.sqlite'), clock, signals });
}

/** The secret that is configured or agreed on; else this installation's own. */
export function secretInUse(
  { cache }: Config,
  shared: SharedParts | undefined,
  ownSecret: string,
): SecretInUse {
  return shared?.secret ?? { current: cache.secret ?? ownSecret };
}

const tierNames: Readonly<Record<CacheLevel, string>> = {
  memory: 'l1',
  redis: 'l2',
  disk: 'l3',
  postgres: 'l3-postgres',
};

function bookOf({ cache }: Config, tiers: readonly CacheTier[]): PolicyBook {
  const names = new Set(tiers.map(({ name }) => name));
  const policies = cache.policies.map((policy) => policyOf(policy, cache.enabled, names));
  return new PolicyBook({ policies, rules: cache.rules, usual: 'response' });
}

function policyOf(policy: PolicyConfig, enabled: boolean, names: ReadonlySet<string>): CachePolicy {
  const { reuseSampled: sampled, reuseUnset: unset } = policy;
  const levels = levelsOf(policy, names);
  const hasEdge = names.has(edgeTierName);
  return {
    ...policy,
    enabled,
    reuse: { sampled, unset },
    // Where all but the edge are meant, nobody need look which.
    levels: hasEdge || levels.size < names.size ? levels : undefined,
    edgeLevels:
      hasEdge && policy.edge === 'public' ? new Set([...levels, edgeTierName]) : undefined,
    scope: scopeOf(policy),
  };
}

/**
 * The tiers that are there, but for the edge. For Redis, where there is none, the disk stands in; beside the disk, unless the user says
 * otherwise, and in its place stands PostgreSQL; where none is there, all that are.
 */
function levelsOf(
  { levels, saysLevels }: PolicyConfig,
  there: ReadonlySet<string>,
): ReadonlySet<string> {
  const wanted = new Set(levels.map((level) => tierNames[level]));
  if (wanted.has('l2') && !there.has('l2')) wanted.add('l3');
  if (wanted.has('l3') && (!saysLevels || !there.has('l3'))) wanted.add('l3-postgres');
  const found = [...wanted].filter((name) => there.has(name));
  return new Set(found.length > 0 ? found : [...there].filter((name) => name !== edgeTierName));
}

function scopeOf({ scope, shareAs, shareWith }: PolicyConfig): CacheScope {
  if (scope !== 'shared') return { kind: scope };
  return { kind: 'shared', name: shareAs, tenants: new Set(shareWith) };
}

function keyEndingsOf(
  edge: EdgeParts | undefined,
  { keyring, clock }: CachePartsOptions,
): KeyEndings | undefined {
  if (edge?.publicAnswers === undefined || keyring === undefined) return undefined;
  return new KeyEndings({ keyring, keptQueries: edge.purges, clock });
}
