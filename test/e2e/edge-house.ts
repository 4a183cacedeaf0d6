import { onTestFinished } from 'vitest';
import { EdgeNames } from '../../src/cache/edge/names.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { prepareVarnish, type VarnishServer } from '../services/varnish-server.ts';
import { chat, send, startHouse, type Answer, type House } from './harness.ts';

/** What all gateways of these tests make their names with. */
export const edgeSecret = 'one-secret-for-all-gateways-0123456789';

export async function varnish(): Promise<VarnishServer> {
  const server = await prepareVarnish();
  onTestFinished(() => server.stop());
  return server;
}

/** A configuration whose answers are public, before this edge. */
export function edgeConfig(
  edge: Pick<VarnishServer, 'url' | 'secret'>,
  cache: object = {},
): ConfigFile {
  return {
    cache: {
      secret: edgeSecret,
      show_keys: true,
      policies: {
        response: { scope: 'shared', share_as: 'faq', share_with: ['default'], edge: 'public' },
      },
      ...cache,
    },
    edge: {
      url: edge.url,
      lookup: '2s',
      purge: { kind: 'varnish', secret: edge.secret, timeout: '500ms' },
    },
  };
}

/** A gateway behind the edge. */
export async function houseBehind(
  edge: VarnishServer,
  cache: object = {},
  more: ConfigFile = {},
): Promise<House> {
  const house = await startHouse({ config: { ...edgeConfig(edge, cache), ...more } });
  await edge.startBefore(Number(new URL(house.url).port));
  return house;
}

export function ask(
  house: Pick<House, 'url'>,
  extra: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(`${house.url}/v1/chat/completions`, chat({ temperature: 0, ...extra }), { headers });
}

/** The level that an answer came from. */
export function levelOf({ headers }: Answer): string | undefined {
  return /detail=(\w+)/.exec(String(headers['cache-status']))?.[1];
}

/** The path of an answer below the edge. */
export function edgePath({ headers }: Answer): string {
  const key = /key="([^"]+)"/.exec(String(headers['cache-status']))![1]!;
  return `/economizer/edge/v1/${new EdgeNames({ current: edgeSecret }).idOf(key)}`;
}

export function get(url: string, headers: Record<string, string> = {}, method = 'GET') {
  return send(url, undefined, { method, headers });
}
