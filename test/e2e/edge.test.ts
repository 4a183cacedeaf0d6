import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { hasVarnish, prepareVarnish, type VarnishServer } from '../services/varnish-server.ts';
import { chat, send, startHouse, temporaryFolder, until, type House } from './harness.ts';

const path = '/v1/chat/completions';
const shared = 'one-secret-for-all-gateways-0123456789';

async function varnish(): Promise<VarnishServer> {
  const server = await prepareVarnish();
  onTestFinished(() => server.stop());
  return server;
}

function edgeConfig(edge: VarnishServer, cache: object = {}) {
  return {
    cache: {
      secret: shared,
      stale_if_error: '1h',
      policies: { response: { scope: 'shared', share_as: 'faq', share_with: ['default'], edge: 'public' } },
      ...cache,
    },
    edge: {
      url: edge.url,
      lookup: '2s',
      purge: { kind: 'varnish', secret: edge.secret, timeout: '1s' },
    },
  } as const;
}

/** A gateway behind the edge. */
async function houseBehind(edge: VarnishServer, cache: object = {}): Promise<House> {
  const house = await startHouse({ config: edgeConfig(edge, cache) });
  await edge.startBefore(Number(new URL(house.url).port));
  return house;
}

function ask(house: House, extra: object = {}, headers: Record<string, string> = {}) {
  return send(house.url + path, chat({ temperature: 0, ...extra }), { headers });
}

const source = (answer: { headers: Record<string, unknown> }) =>
  /detail=(\w+)/.exec(String(answer.headers['cache-status']))?.[1];

describe.skipIf(!hasVarnish)('the edge, a real Varnish with our VCL', () => {
  it('gives another gateway what the first was answered, stream or not, byte for byte', async () => {
    const edge = await varnish();
    const first = await houseBehind(edge);
    const second = await startHouse({ config: edgeConfig(edge) });
    for (const stream of [false, true]) {
      const original = await ask(first, { stream });
      const passed = await ask(second, { stream });
      expect(source(passed)).toBe('l4');
      expect(passed.body.equals(original.body)).toBe(true);
      // From then on it has it itself, with the time that is left.
      const promoted = await ask(second, { stream });
      expect(source(promoted)).toBe('l1');
      const ttl = Number(/ttl=(\d+)/.exec(String(promoted.headers['cache-status']))![1]);
      expect(ttl).toBeLessThanOrEqual(3600);
    }
    expect(second.provider.calls).toHaveLength(0);
  });
});

void [writeFileSync, join, runProgram, temporaryFolder, until];
