import { matchesGlob } from '../../kernel/glob.ts';
import type { Standpoint } from '../budget.ts';

/** Whose calls are meant: of any of these, by name or by pattern with `*`. */
export interface Kinship {
  readonly teams: readonly string[];
  readonly keys: readonly string[];
  readonly agents: readonly string[];
  readonly tags: readonly string[];
}

/** True for the callers that are meant. */
export type IsKin = (standpoint: Standpoint) => boolean;

/** Made once from the configuration; a name that was asked for before costs a look-up. */
export function kinOf({ teams, keys, agents, tags }: Kinship): IsKin {
  const [team, key, agent, tag] = [teams, keys, agents, tags].map(matcherOf) as [
    Matcher,
    Matcher,
    Matcher,
    Matcher,
  ];
  return (standpoint) =>
    agent(standpoint.agent) ||
    key(standpoint.key) ||
    team(standpoint.team) ||
    standpoint.tags.some(tag);
}

type Matcher = (name: string | undefined) => boolean;

function matcherOf(patterns: readonly string[]): Matcher {
  if (patterns.length === 0) return () => false;
  const names = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const globs = patterns.filter((pattern) => pattern.includes('*'));
  return (name) =>
    name !== undefined && (names.has(name) || globs.some((glob) => matchesGlob(glob, name)));
}
