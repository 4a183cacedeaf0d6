import { existsSync } from 'node:fs';
import { parseDuration } from '../kernel/duration.ts';
import {
  ceilingProviders,
  countedNowhere,
  forgetful,
  idleBudgets,
  idleShare,
  oversubscribed,
  twins,
} from './budget-checks.ts';
import { keptQueries, ownEdge, publicPolicies } from './edge-checks.ts';
import { defaults } from './defaults.ts';
import { isOwnAddress } from './from-environment.ts';
import { nearest } from './nearest.ts';
import { durationText } from './units.ts';
import type { Config } from './config.ts';
import type { Finding } from './fault.ts';
import { alertBudgets, alertReceivers, cheaperModels, runawayOrder } from './protection-checks.ts';
import { placeProblem, unreadableFile } from './places.ts';

/** A check across sections; it runs only where the sections it looks at are without fault, else it would blame the wrong one. */
interface Check {
  readonly sections: readonly string[];
  /** It looks whether the places exist where something is to be kept. */
  readonly isAboutKeeping?: boolean;
  readonly findings: (config: Config) => readonly Finding[];
}

/** What no single setting can tell: references, and combinations that are not allowed. */
export const semanticChecks: readonly Check[] = [
  { sections: ['listen', 'access', 'data'], findings: openToOthers },
  { sections: ['access', 'providers'], findings: providersOfKeys },
  { sections: ['providers', 'default_providers'], findings: defaultProviders },
  { sections: ['providers', 'listen'], findings: loops },
  { sections: ['data', 'cache'], findings: places, isAboutKeeping: true },
  { sections: ['cache', 'redis', 'postgres'], findings: levels },
  { sections: ['cache'], findings: policyNames },
  { sections: ['cache', 'redis', 'postgres'], findings: policyLevels },
  { sections: ['redis', 'postgres'], findings: certificates },
  { sections: ['cache', 'edge'], findings: publicPolicies },
  { sections: ['cache', 'edge'], findings: keptQueries },
  { sections: ['edge', 'listen'], findings: ownEdge },
  { sections: ['limits'], findings: idleLimits },
  { sections: ['runaway'], findings: runawayOrder },
  { sections: ['protection', 'providers'], findings: cheaperModels },
  { sections: ['alerts'], findings: alertReceivers },
  { sections: ['alerts', 'budgets'], findings: alertBudgets },
  { sections: ['budgets'], findings: twins },
  { sections: ['budgeting', 'providers'], findings: ceilingProviders },
  { sections: ['budgets', 'budgeting', 'redis'], findings: countedNowhere },
];

/** What is allowed and probably not meant. */
export const semanticWarnings: readonly Check[] = [
  { sections: ['budgets'], findings: idleBudgets },
  { sections: ['budgets'], findings: oversubscribed },
  { sections: ['budgets', 'budgeting', 'ledger'], findings: forgetful },
  { sections: ['budgets', 'budgeting'], findings: idleShare },
];

function levels({ cache, redis, postgres }: Config): readonly Finding[] {
  const isShared =
    (redis !== undefined && cache.redis.enabled) ||
    (postgres !== undefined && cache.postgres.enabled);
  if (!cache.enabled || cache.memory.enabled || cache.disk.enabled || isShared) return [];
  const problem =
    'must be false where all its levels are off; or switch cache.memory or cache.disk on';
  return [{ path: ['cache', 'enabled'], problem }];
}

function policyNames({ cache }: Config): readonly Finding[] {
  const names = cache.policies.map(({ name }) => name);
  return cache.rules.flatMap(({ policy }, index): readonly Finding[] => {
    if (names.includes(policy)) return [];
    const meant = nearest(policy, names);
    const advice = meant === undefined ? names.join(', ') : `did you mean ${meant}?`;
    const path = ['cache', 'rules', index, 'policy'];
    return [{ path, problem: `must name one of the policies: ${advice}` }];
  });
}

/** A policy of the user's own whose levels are all switched off would keep nothing, and nobody would notice. */
function policyLevels({ cache, redis, postgres }: Config): readonly Finding[] {
  if (!cache.enabled) return [];
  const { memory, disk } = cache;
  const isShared = redis !== undefined && cache.redis.enabled;
  const isKept = postgres !== undefined && cache.postgres.enabled;
  // What outlives a restart stands in for a Redis that is not there.
  const there = {
    memory: memory.enabled,
    redis: isShared || disk.enabled || isKept,
    disk: disk.enabled || isKept,
    postgres: isKept,
  };
  return cache.policies
    .filter(
      ({ mode, levels, saysLevels }) =>
        saysLevels && mode !== 'off' && !levels.some((level) => there[level]),
    )
    .map(({ name, levels }) => ({
      path: ['cache', 'policies', name, 'levels'],
      problem: `must name a level that is switched on; ${levels.join(' and ')} ${levels.length > 1 ? 'are' : 'is'} not`,
    }));
}

/** Certificates that cannot be read. */
function certificates(config: Config): readonly Finding[] {
  return (['redis', 'postgres'] as const).flatMap((service) =>
    (['ca', 'cert', 'key'] as const).flatMap((name): Finding[] => {
      const file = config[service]?.tls?.[name];
      const problem = file === undefined ? undefined : unreadableFile(file);
      return problem === undefined ? [] : [{ path: [service, 'tls', name], problem }];
    }),
  );
}

const partLimits = [
  ['connect', 'connectMs', defaults.limits.connect],
  ['first_byte', 'firstByteMs', defaults.limits.firstByte],
  ['silence', 'silenceMs', defaults.limits.silence],
] as const;

/** Limits that somebody set and that can never strike, since the call as a whole ends before. */
function idleLimits({ limits }: Config): readonly Finding[] {
  const { totalMs } = limits;
  if (totalMs === undefined) return [];
  return partLimits
    .filter(([, name, usual]) => limits[name] > totalMs && limits[name] !== parseDuration(usual))
    .map(([name]) => ({
      path: ['limits', name],
      problem: `must not be longer than limits.total (${durationText(totalMs)}), which ends the call before`,
    }));
}

/** A gateway that is its own provider would call itself for ever. */
function loops({ providers, listen }: Config): readonly Finding[] {
  return providers
    .filter(({ baseUrl }) => isOwnAddress(baseUrl, listen.port))
    .map(({ name }) => ({
      path: ['providers', name, 'base_url'],
      problem: 'must not be this gateway itself; name the provider',
    }));
}

/** Whether the keys that `economizer keys` made still are there is seen when the gateway starts. */
function openToOthers({ listen, access }: Config): readonly Finding[] {
  if (access.keys.length > 0 || isLoopback(listen.host) || existsSync(access.storePath)) return [];
  const problem =
    'must be this machine itself (127.0.0.1, ::1 or localhost) as long as there is no key, since anyone who reaches it could spend your money; make one with economizer keys create, or list it in access.keys';
  return [{ path: ['listen', 'host'], problem }];
}

/** A name that no provider has would shut the key out without a word. */
function providersOfKeys({ access, providers }: Config): readonly Finding[] {
  const names = providers.map(({ name }) => name);
  return access.keys.flatMap((key, index) =>
    (key.providers ?? []).flatMap((name, at): Finding[] => {
      if (names.includes(name)) return [];
      const meant = nearest(name, names);
      const advice = meant === undefined ? names.join(', ') : `did you mean ${meant}?`;
      const path = ['access', 'keys', index, 'providers', at];
      return [{ path, problem: `must name one of the providers: ${advice}` }];
    }),
  );
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function defaultProviders({ providers, defaultProviders }: Config): readonly Finding[] {
  return (['openai', 'anthropic'] as const).flatMap((kind): Finding[] => {
    const name = defaultProviders[kind];
    const path = ['default_providers', kind];
    const provider = providers.find((each) => each.name === name);
    if (provider === undefined) {
      const names = providers.map((each) => each.name);
      const meant = nearest(name, names);
      const advice = meant === undefined ? names.join(', ') : `did you mean ${meant}?`;
      return [{ path, problem: `must name one of the providers: ${advice}` }];
    }
    if (provider.kind === kind) return [];
    const problem = `must name a provider of kind ${kind}; ${name} is of kind ${provider.kind}`;
    return [{ path, problem }];
  });
}

function places(config: Config): readonly Finding[] {
  const data = placeProblem(config.dataDirectory, 'directory');
  if (data !== undefined) return [{ path: ['data'], problem: data }];
  const { enabled, disk } = config.cache;
  const file = enabled && disk.enabled ? placeProblem(disk.path, 'file') : undefined;
  return file === undefined ? [] : [{ path: ['cache', 'disk', 'path'], problem: file }];
}
