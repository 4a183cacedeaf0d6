import { parseDuration } from '../kernel/duration.ts';
import { timeOf } from '../kernel/iso-time.ts';
import { textOf, type JsonObject, type JsonValue } from '../kernel/json.ts';
import {
  isName,
  isTag,
  isTenant,
  longestTag,
  mostTags,
  nameForm,
  unknownTenant,
} from '../kernel/names.ts';
import { badKey } from './faults.ts';
import type { SecretRandom } from './key-text.ts';
import { scopes, usualScopes, type KeyTerms, type Scope } from './terms.ts';

/** What can be said of a key when it is made or changed, as the reference page has it. */
export const termFields: Readonly<Record<string, string>> = {
  id: 'its name, unique in its tenant: letters, digits, `.`, `_`, `-`; made up where none is given',
  tenant: 'whose key it is; answers, sessions and reports are never shared across tenants',
  team: 'the part of the tenant that its calls are booked to',
  agent: 'the agent that its calls are booked to',
  tags: 'list of tags of all its calls',
  models: 'list of patterns with `*`; left out: all models',
  providers: 'list of names of providers; left out: all providers',
  scopes: `list of ${scopes.map((scope) => `\`${scope}\``).join(', ')}; left out: ${usualScopes.map((scope) => `\`${scope}\``).join(', ')}`,
  expires:
    'when it ends: a time such as `2026-12-31T12:00:00Z`, or a duration from now such as `30d`',
  overridable: 'true: callers may name another agent, and tags beside the key’s own',
};

/** What holds for a new key where nothing is said. */
export function newTerms(tenant: string | undefined, random: SecretRandom): KeyTerms {
  return {
    id: `key-${random(6).toString('hex')}`,
    tenant: tenant ?? 'default',
    team: undefined,
    agent: undefined,
    tags: [],
    models: undefined,
    providers: undefined,
    scopes: usualScopes,
    expiresAt: undefined,
    overridable: false,
  };
}

/** Patterns or providers of one key at most. */
const longestList = 100;
/** Farthest end of a key, milliseconds since the epoch: the year 9999. */
const lastTime = 253_402_300_799_999;

/**
 * Terms as JSON has them, checked.
 * @param before what holds where `given` is silent; in `given` null takes a limit away.
 * @param now milliseconds since the epoch.
 * @throws EconomizerError `ECO_BAD_KEY`.
 */
export function readTerms(given: JsonObject, before: KeyTerms, now: number): KeyTerms {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(termFields, name)) throw unknownField(name);
  }
  const said = <Value>(name: string, read: (value: JsonValue) => Value, silent: Value): Value => {
    const value = given[name];
    return value === undefined ? silent : read(value);
  };
  const optional =
    <Value>(read: (value: JsonValue) => Value) =>
    (value: JsonValue): Value | undefined =>
      value === null ? undefined : read(value);
  return {
    id: said('id', readId, before.id),
    tenant: said('tenant', readTenant, before.tenant),
    team: said(
      'team',
      optional((value) => readName('team', value)),
      before.team,
    ),
    agent: said(
      'agent',
      optional((value) => readName('agent', value)),
      before.agent,
    ),
    tags: said('tags', readTags, before.tags),
    models: said(
      'models',
      optional((value) => readList('models', value)),
      before.models,
    ),
    providers: said(
      'providers',
      optional((value) => readList('providers', value)),
      before.providers,
    ),
    scopes: said('scopes', readScopes, before.scopes),
    expiresAt: said(
      'expires',
      optional((value) => readExpiry(value, now)),
      before.expiresAt,
    ),
    overridable: said('overridable', readFlag, before.overridable),
  };
}

function readId(value: JsonValue): string {
  const text = textOf(value) ?? '';
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text;
  throw badKey(
    'id',
    'up to 64 letters, digits, dots, underscores and hyphens, the first a letter or digit',
  );
}

function readName(param: string, value: JsonValue): string {
  const text = textOf(value);
  if (text !== undefined && isName(text)) return text;
  throw badKey(param, `a text of ${nameForm}`);
}

function readTenant(value: JsonValue): string {
  const text = readName('tenant', value);
  if (isTenant(text)) return text;
  throw badKey('tenant', `another name; ${unknownTenant} stands for strangers`);
}

function readTags(value: JsonValue): readonly string[] {
  const tags = textsOf(value);
  if (tags !== undefined && tags.length <= mostTags && tags.every(isTag)) return unique(tags);
  throw badKey(
    'tags',
    `a list of at most ${mostTags} texts of 1 to ${longestTag} characters without commas`,
  );
}

function readList(param: string, value: JsonValue): readonly string[] {
  const list = textsOf(value);
  // An empty list would mean either nothing or everything; nobody can tell what was meant.
  const isFit = list !== undefined && list.length > 0 && list.length <= longestList;
  if (isFit && list.every((each) => each === '*' || isName(each))) return unique(list);
  throw badKey(param, `a list of 1 to ${longestList} names, or left out for all`);
}

function readScopes(value: JsonValue): readonly Scope[] {
  const list = textsOf(value) ?? [];
  const known = list.filter((each): each is Scope => (scopes as readonly string[]).includes(each));
  if (list.length > 0 && known.length === list.length) return unique(known);
  throw badKey('scopes', `a list of some of: ${scopes.join(', ')}`);
}

function readExpiry(value: JsonValue, now: number): number {
  const text = textOf(value) ?? '';
  const span = /[a-z]/.test(text) ? parseDuration(text) : undefined;
  const at = span === undefined ? timeOf(text) : Math.round(now + span);
  if (at !== undefined && at > now && at <= lastTime) return at;
  throw badKey(
    'expires',
    'a time in the future such as 2026-12-31 or 2026-12-31T12:00:00Z, or a duration such as 30d',
  );
}

function readFlag(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  throw badKey('overridable', 'true or false');
}

function textsOf(value: JsonValue): readonly string[] | undefined {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? value
    : undefined;
}

function unique<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)];
}

function unknownField(name: string): Error {
  const shown = isName(name) ? name.slice(0, 60) : 'a name that cannot be shown';
  return badKey(shown, `left out; a key has ${Object.keys(termFields).join(', ')}`);
}
