import type { Config } from './config.ts';

/** Every secret in a configuration, so that a log can blot them out. */
export function secretsOf(config: Config): readonly string[] {
  const { providers, cache, redis, postgres, edge } = config;
  const others = [
    cache.secret,
    postgres?.password,
    redis?.password,
    redis?.sentinel?.password,
    ...urlSecrets(redis?.url),
    edge === undefined ? undefined : 'secret' in edge.purge ? edge.purge.secret : edge.purge.token,
  ];
  return [
    ...providers.map(({ apiKey }) => apiKey),
    ...providers.flatMap(({ headers }) => Object.values(headers)),
    ...config.alerts.webhooks.flatMap(({ secrets }) => secrets),
    ...config.alerts.slack,
    ...config.mcp.servers.flatMap(({ env, headers }) =>
      // Short ones are switches, not secrets, and would blot out half the log.
      [...Object.values(env), ...Object.values(headers)].filter((each) => each.length >= 8),
    ),
    ...others,
  ].filter((each) => each !== undefined);
}

/** A password in a URL, as it stands there and as it is meant. */
function urlSecrets(url: string | undefined): readonly string[] {
  if (url === undefined) return [];
  const { password } = new URL(url);
  return password === '' ? [] : [password, decodeURIComponent(password)];
}
