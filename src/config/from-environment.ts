import { hash } from 'node:crypto';
import { publicProviders } from './defaults.ts';
import { variable, type Environment } from './environment.ts';
import { isObject } from '../kernel/json.ts';

/** The file's values with what the environment adds, and which variable each added value came from, by path text. */
export interface WithEnvironment {
  readonly value: unknown;
  readonly origins: ReadonlyMap<string, string>;
}

interface Variable {
  readonly name: string;
  readonly path: readonly [string, ...string[]];
}

/** The names that the providers' own SDKs read. A value in the file goes before its variable. */
const providerVariables: readonly Variable[] = [
  { name: 'OPENAI_BASE_URL', path: ['openai', 'base_url'] },
  { name: 'OPENAI_API_KEY', path: ['openai', 'api_key'] },
  { name: 'ANTHROPIC_BASE_URL', path: ['anthropic', 'base_url'] },
  { name: 'ANTHROPIC_API_KEY', path: ['anthropic', 'api_key'] },
];

/** They belong to the key beside them: with a caller's own key they would name someone else's organisation. */
const openaiHeaders: Readonly<Record<string, string>> = {
  OPENAI_ORG_ID: 'openai-organization',
  OPENAI_PROJECT_ID: 'openai-project',
  OPENAI_PROJECT: 'openai-project',
};

/**
 * Adds the public providers and the usual variables to what the file says.
 * @param ownPort where this gateway listens. A shell in which clients are pointed at the gateway gives it the same variables: what names
 *   the gateway itself is meant for them.
 */
export function withEnvironment(
  file: unknown,
  environment: Environment,
  ownPort: number,
): WithEnvironment {
  const origins = new Map<string, string>();
  if (!isObject(file)) return { value: file, origins };
  const given: unknown = file['providers'] ?? {};
  const data = variable(environment, 'ECONOMIZER_DATA');
  if (data !== undefined) origins.set('data', 'ECONOMIZER_DATA');
  const value = withAdminKey(
    { ...file, ...(data === undefined ? {} : { data }) },
    environment,
    origins,
  );
  if (!isObject(given)) return { value, origins };

  const providers: Record<string, unknown> = { ...given };
  for (const [name, usual] of Object.entries(publicProviders)) {
    const own: unknown = given[name] ?? {};
    if (!isObject(own)) continue;
    const provider: Record<string, unknown> = { ...usual, ...own };
    for (const each of providerVariables) {
      const [owner, field = ''] = each.path;
      const found = variable(environment, each.name);
      if (owner !== name || found === undefined || own[field] !== undefined) continue;
      if (field === 'api_key' && own['credentials'] === 'caller') continue;
      if (field === 'base_url' && isOwnAddress(found, ownPort)) continue;
      provider[field] = found;
      origins.set(`providers.${name}.${field}`, each.name);
    }
    providers[name] = name === 'openai' ? withOpenaiHeaders(provider, environment) : provider;
  }
  return { value: { ...value, providers }, origins };
}

const adminVariable = 'ECONOMIZER_ADMIN_KEY';
/** A shorter key could be tried out. */
const shortestAdminKey = 24;

/** The hash of the administrator's key; the key itself goes no further than here. */
function withAdminKey(
  file: Readonly<Record<string, unknown>>,
  environment: Environment,
  origins: Map<string, string>,
): Readonly<Record<string, unknown>> {
  const key = variable(environment, adminVariable);
  const given = file['access'] ?? {};
  if (key === undefined || !isObject(given) || given['admin_sha256'] !== undefined) return file;
  origins.set('access.admin_sha256', adminVariable);
  // What stands for a short key is no hash, so it is told as a fault without being shown.
  const sha256 = key.length < shortestAdminKey ? tooShort : hash('sha256', key, 'hex');
  return { ...file, access: { ...given, admin_sha256: sha256 } };
}

const tooShort = `(a key of fewer than ${shortestAdminKey} characters)`;

function withOpenaiHeaders(
  provider: Readonly<Record<string, unknown>>,
  environment: Environment,
): Readonly<Record<string, unknown>> {
  const own: unknown = provider['headers'] ?? {};
  if (provider['api_key'] === undefined || !isObject(own)) return provider;
  const headers: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(openaiHeaders)) {
    const found = variable(environment, name);
    if (found !== undefined) headers[field] ??= found;
  }
  return { ...provider, headers: { ...headers, ...own } };
}

/** True for a URL of this machine and this port. */
export function isOwnAddress(url: string, ownPort: number): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, port } = new URL(url);
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return isHere && ownPort !== 0 && Number(port) === ownPort;
}
