import { join } from 'node:path';
import { createCloudflareWay } from '../cache/edge/cloudflare.ts';
import { createFastlyWay } from '../cache/edge/fastly.ts';
import type { EdgeHttp } from '../cache/edge/http.ts';
import { EdgeNames } from '../cache/edge/names.ts';
import { EdgeOrigin } from '../cache/edge/origin.ts';
import { PublicAnswers } from '../cache/edge/public-answers.ts';
import { openPurgeFile } from '../cache/edge/purge-file.ts';
import type { PurgeWay } from '../cache/edge/purge-way.ts';
import { EdgePurges, type EdgeShare } from '../cache/edge/purges.ts';
import { createVarnishWay } from '../cache/edge/varnish.ts';
import type { SecretInUse } from '../cache/shared-secret.ts';
import type { CacheStack } from '../cache/stack.ts';
import type { CacheTier } from '../cache/tier.ts';
import { createEdgeTier } from '../cache/tiers/edge.ts';
import type { Config } from '../config/config.ts';
import type { EdgeConfig } from '../config/edge-config.ts';
import { edgePrefix } from '../gateway/edge/edge-door.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import { createEdgeHttp } from '../upstream/edge-http.ts';

/** The edge as the cache sees it: a tier that is read through it, and who tells it of purges. */
export interface EdgeParts {
  readonly tier: CacheTier;
  readonly purges: EdgePurges;
  /** Undefined where the edge keeps no answers to calls. */
  readonly publicAnswers: PublicAnswers | undefined;
  /** What the edge fetches from: all other tiers of `stack`. */
  origin(stack: CacheStack, tiers: readonly CacheTier[]): EdgeOrigin;
  close(): Promise<void>;
}

export interface EdgePartsOptions {
  readonly config: Config;
  readonly secret: SecretInUse;
  /** Whether purges that an edge has not heard of are kept in the data directory, for the next start. */
  readonly keeps: boolean;
  readonly clock: Clock;
  readonly signals: Signals;
}

/** Undefined where the configuration has no edge. */
export function openEdgeParts(options: EdgePartsOptions): EdgeParts | undefined {
  const { config, secret, keeps, clock, signals } = options;
  const { edge, cache, dataDirectory } = config;
  if (edge === undefined || !cache.enabled) return undefined;
  const http = createEdgeHttp({ clock });
  const names = new EdgeNames(secret);
  const purges = new EdgePurges({
    ways: waysOf(edge, http),
    shares: sharesOf(config),
    names,
    file: keeps ? openPurgeFile(join(dataDirectory, 'edge-purges.json')) : undefined,
    clock,
    signals,
  });
  return {
    tier: createEdgeTier({
      url: edge.url + edgePrefix,
      http,
      names,
      secret,
      maxEntryBytes: Math.max(cache.maxAnswerBytes, ...cache.policies.map(largestAnswer)),
      lookupMs: edge.lookupMs,
      isBehind: () => purges.isBehind,
      clock,
      signals,
    }),
    purges,
    publicAnswers: edge.query ? new PublicAnswers({ names, clock }) : undefined,
    origin(stack, tiers) {
      const levels = new Set(tiers.map(({ name }) => name));
      return new EdgeOrigin({ stack, names, secret, levels, clock });
    },
    async close() {
      await purges.close();
      await http.close();
    },
  };
}

function largestAnswer({ maxAnswerBytes }: Config['cache']['policies'][number]): number {
  return maxAnswerBytes;
}

function waysOf({ purge }: EdgeConfig, http: EdgeHttp): readonly PurgeWay[] {
  if (purge.kind === 'varnish') {
    return purge.urls.map((url) => createVarnishWay({ ...purge, url, http }));
  }
  return purge.kind === 'fastly'
    ? [createFastlyWay({ ...purge, http })]
    : [createCloudflareWay({ ...purge, http })];
}

/** Policies may share under one name; then their tenants do. */
function sharesOf({ cache }: Config): readonly EdgeShare[] {
  const tenants = new Map<string, Set<string>>();
  for (const { edge, shareAs, shareWith } of cache.policies) {
    if (edge !== 'public') continue;
    const known = tenants.get(shareAs) ?? new Set();
    for (const each of shareWith) known.add(each);
    tenants.set(shareAs, known);
  }
  return [...tenants].map(([name, each]) => ({ name, tenants: each }));
}
