import { createHash } from 'node:crypto';
import type { ConfigFile } from '../../src/config/schema.ts';
import { freePort } from '../services/redis-server.ts';
import type { VarnishServer } from '../services/varnish-server.ts';
import { edgeConfig, varnish } from './edge-house.ts';
import { chat, send, startHouse, type Answer, type House, type HouseOptions } from './harness.ts';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

/** Keys of these tests: two of one tenant, one of another that shares with it, one of a third that does not. */
export const keys = [
  ['ann', 'acme'],
  ['bob', 'acme'],
  ['gus', 'globex'],
  ['ivy', 'initech'],
].map(([id, tenant]) => ({ id, tenant, sha256: sha256(id!) }));

/** Public answers for all but agents called `private`, before this edge. */
export function queryConfig(
  edge: Pick<VarnishServer, 'url' | 'secret'>,
  cache: object = {},
): ConfigFile {
  const base = edgeConfig(edge);
  const open = { scope: 'shared', share_as: 'faq', share_with: ['acme', 'globex'], edge: 'public' };
  return {
    ...base,
    cache: {
      ...base.cache,
      policies: { response: open, mine: { scope: 'tenant', edge: 'off' } },
      rules: [{ policy: 'mine', agent: 'private' }],
      ...cache,
    },
    edge: { ...base.edge!, lookup: '100ms', query: true },
    access: { keys, admin_sha256: sha256('operator') },
  } as ConfigFile;
}

export interface QueryHouse extends House {
  readonly edge: VarnishServer;
  /** How many calls the gateway has seen so far. */
  readonly seen: () => number;
}

/** A gateway behind a Varnish that keeps answers to `QUERY`. */
export async function queryHouse(
  cache: object = {},
  more: Omit<HouseOptions, 'config'> & { readonly config?: ConfigFile } = {},
): Promise<QueryHouse> {
  const edge = await varnish();
  // The edge has a port, but does not listen yet: it may be found free once more.
  let port = await freePort();
  while (edge.url.endsWith(`:${port}`)) port = await freePort();
  // First, since a gateway empties it when it starts.
  await edge.startBefore(port);
  const { config, ...rest } = more;
  const house = await startHouse({
    ...rest,
    config: { ...queryConfig(edge, cache), listen: { port }, ...config },
  });
  return { ...house, edge, seen: () => house.rows.length };
}

export interface Asking {
  readonly key?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly method?: string;
  readonly path?: string;
}

/** Asks at this address as one of the keys; `ann` where nothing is said. */
export function query(
  at: string,
  body: object | string = {},
  { key = 'ann', headers = {}, method = 'QUERY', path = '/v1/chat/completions' }: Asking = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : chat({ temperature: 0, ...body });
  return send(at + path, text, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      'content-length': String(Buffer.byteLength(text)),
      ...headers,
    },
  });
}

/** True where Varnish answered without the gateway. */
export function isFromEdge({ headers }: Answer): boolean {
  return String(headers['cache-status']).endsWith(', varnish; hit');
}
