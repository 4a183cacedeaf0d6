import type { EdgeConfig, EdgePurgeConfig } from './edge-config.ts';
import type { ConfigValues } from './schema.ts';

type EdgeValues = NonNullable<ConfigValues['edge']>;

export function edgeConfig({ url, lookup, query, purge }: EdgeValues): EdgeConfig {
  return { url: bare(url), lookupMs: lookup, query, purge: purgeConfig(purge, url) };
}

/** The schema has seen to it that what a kind needs is there. */
function purgeConfig(purge: EdgeValues['purge'], url: string): EdgePurgeConfig {
  const { kind, timeout: timeoutMs, urls = [url], api } = purge;
  const [secret, token] = [purge.secret!, purge.token!];
  if (kind === 'varnish') return { kind, timeoutMs, urls: urls.map(bare), secret };
  return kind === 'fastly'
    ? { kind, timeoutMs, service: purge.service!, token, api: bare(api ?? fastlyApi) }
    : { kind, timeoutMs, zone: purge.zone!, token, api: bare(api ?? cloudflareApi) };
}

const fastlyApi = 'https://api.fastly.com';
const cloudflareApi = 'https://api.cloudflare.com/client/v4';

function bare(url: string): string {
  return url.replace(/\/+$/, '');
}
