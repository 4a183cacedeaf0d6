import type { z } from 'zod';
import { hidden, withoutSecrets } from '../kernel/secrets.ts';
import { pathText, type Finding, type Path } from './fault.ts';
import { knownNames } from './json-schema.ts';
import { nearest } from './nearest.ts';

const longestShown = 80;

/** What zod found, in our words: one finding for each setting, and for each unknown name the one that may be meant. */
export function findingsOf(issues: readonly z.core.$ZodIssue[], value: unknown): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((name) => unknownName(path, name));
    }
    if (issue.code === 'invalid_key') {
      return [{ path, problem: issue.issues[0]?.message ?? issue.message, aboutName: true }];
    }
    if (valueAt(value, path) === undefined) {
      return [{ path, problem: `is missing; it ${issue.message}` }];
    }
    return [{ path, problem: issue.message }];
  });
}

function unknownName(path: Path, name: string): Finding {
  const known = knownNames(path);
  const meant = nearest(name, known);
  const advice =
    meant === undefined ? `known here are: ${known.join(', ')}` : `did you mean ${meant}?`;
  return { path: [...path, name], problem: `is not a setting; ${advice}`, aboutName: true };
}

/** What stands at `path`, safe to show. A mapping or list is named, not shown, since it may hold secrets. */
export function shownValue(value: unknown, path: Path): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const onlyVariable = typeof value === 'string' && /^\$\{\w+\}$/.test(value);
  if (isSecret(path) && !onlyVariable) return hidden;
  const safe = withoutSecrets(typeof value === 'string' ? value : JSON.stringify(value));
  const short = safe.length > longestShown ? `${safe.slice(0, longestShown)}...` : safe;
  return typeof value === 'string' ? JSON.stringify(short) : short;
}

/** Whoever writes a key where its hash belongs, or in place of a provider's mapping, must not find it in a log. */
function isSecret(path: Path): boolean {
  const last = path.at(-1);
  // A webhook's address is often all that it takes to write to it.
  if (path[0] === 'alerts' && (last === 'url' || path[1] === 'slack')) return true;
  if (last === 'secret' || last === 'old_secret') return true;
  if (last === 'api_key' || last === 'sha256' || path.includes('headers')) return true;
  if (last === 'password' || last === 'token') return true;
  if ((path[0] === 'redis' || path[0] === 'postgres') && (path.length === 1 || last === 'url'))
    return true;
  if (path[0] === 'edge' && path.length <= 2) return true;
  return path[0] === 'providers' && path.length <= 2;
}

export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) {
      return undefined;
    }
    found = (found as Readonly<Record<string | number, unknown>>)[step];
  }
  return found;
}

/** True where `finding` is about `path` or something inside it. */
export function isWithin(finding: Finding, path: Path): boolean {
  const inner = pathText(finding.path);
  const outer = pathText(path);
  return inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
}
