import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EdgeNames } from '../../src/cache/edge/names.ts';
import { EdgeOrigin } from '../../src/cache/edge/origin.ts';
import { edgeLabel } from '../../src/cache/edge/public.ts';
import { CacheStack } from '../../src/cache/stack.ts';
import { createEdgeTier } from '../../src/cache/tiers/edge.ts';
import { createMemoryTier } from '../../src/cache/tiers/memory.ts';
import { EdgeDoor, edgePrefix } from '../../src/gateway/edge/edge-door.ts';
import { systemClock as clock } from '../../src/kernel/clock.ts';
import { digestOf } from '../../src/kernel/digest.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { createEdgeHttp } from '../../src/upstream/edge-http.ts';
import { prepareVarnish } from '../../test/services/varnish-server.ts';
import type { MeasuredTier } from './tiers.ts';

const secret = { current: 'a secret for the benchmark' };
const maxEntryBytes = 4 * 1024 * 1024;

/** The tier at the edge before a Varnish of this machine, with the part of a gateway behind it that Varnish fetches from. */
export async function openEdge(): Promise<MeasuredTier> {
  const signals = new Signals();
  signals.on('part-failed', ({ error }) => console.error(error));
  const memory = createMemoryTier({ maxEntries: 100_000, maxBytes: 1024 ** 3, clock });
  const stack = new CacheStack({ tiers: [memory], clock, signals });
  const names = new EdgeNames(secret);
  const levels = new Set([memory.name]);
  const origin = new EdgeOrigin({ stack, names, secret, levels, clock });
  const door = new EdgeDoor({ origin, signals });
  const server = createServer(
    (request, response) =>
      void door.handle(request, response, request.url!.slice(edgePrefix.length)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const varnish = await prepareVarnish();
  await varnish.startBefore((server.address() as AddressInfo).port);
  const http = createEdgeHttp({ clock });
  const url = varnish.url + edgePrefix;
  const edge = createEdgeTier({
    url,
    http,
    names,
    secret,
    maxEntryBytes,
    clock,
    signals,
    lookupMs: 1000,
    isBehind: () => false,
  });
  return {
    name: 'l4 Varnish',
    tier: {
      ...edge,
      get: (key) => edge.get(digestOf(key)),
      // What the gateway has, Varnish fetches when it is first asked for.
      set: (entry) =>
        memory.set({ ...entry, key: digestOf(entry.key), tags: [edgeLabel('bench')] }),
    },
    async stop() {
      await http.close();
      await varnish.stop();
      server.closeAllConnections();
      server.close();
    },
  };
}
