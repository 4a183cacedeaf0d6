import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  ask,
  edgeConfig,
  edgePath,
  get,
  houseBehind,
  levelOf,
  varnish,
} from '../e2e/edge-house.ts';
import { startHouse, temporaryFolder, type House } from '../e2e/harness.ts';
import { freePort } from '../services/redis-server.ts';
import { hasVarnish, type VarnishServer } from '../services/varnish-server.ts';

/** A gateway before an edge that may fail, with the usual 20 ms for a lookup. */
async function reader(
  edge: VarnishServer,
  data = temporaryFolder(),
  more: { readonly urls?: string[] } = {},
): Promise<House> {
  const config = edgeConfig(edge);
  const purge = { ...config.edge!.purge, ...more };
  return await startHouse({
    config: { ...config, data, edge: { url: edge.url, lookup: '20ms', purge } },
  });
}

/** From now on this port leads to that one. */
async function passOn(from: number, to: number): Promise<void> {
  const server = createServer((socket) => {
    const other = connect(to, '127.0.0.1');
    socket.pipe(other).pipe(socket);
    socket.on('error', () => other.destroy());
    other.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(from, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
}

const port = ({ url }: House) => Number(new URL(url).port);

/** Asks until the answer comes from the edge again; every call on the way is answered. */
async function untilRead(house: House, origin: House, label: string): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    const extra = { user_question: `${label} ${attempt}` };
    await ask(origin, extra);
    const answer = await ask(house, extra);
    expect(answer.status).toBe(200);
    if (levelOf(answer) === 'l4') return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('the edge is not read again');
}

describe.skipIf(!hasVarnish)('an edge that', () => {
  it('is down or hangs costs no call, little time, and is read again when it is back', async () => {
    const edge = await varnish();
    const origin = await houseBehind(edge);
    const house = await reader(edge);
    await untilRead(house, origin, 'before');
    const times = async (label: string) => {
      const took: number[] = [];
      for (let index = 0; index < 30; index++) {
        const from = performance.now();
        expect((await ask(house, { user_question: `${label} ${index}` })).status).toBe(200);
        took.push(performance.now() - from);
      }
      return took.toSorted((one, other) => one - other);
    };
    edge.pause();
    const hung = await times('hung');
    // Five lookups of 20 ms until it is left alone; the rest is for machines that are busy.
    expect(hung[15]).toBeLessThan(60);
    expect(hung.at(-1)).toBeLessThan(500);
    edge.resume();
    await untilRead(house, origin, 'resumed');
    await edge.kill();
    expect((await times('down'))[15]).toBeLessThan(60);
    await edge.startBefore(port(origin));
    await untilRead(house, origin, 'restarted');
  }, 60_000);

  it('missed a purge is told again until it has heard, and not read before', async () => {
    const edge = await varnish();
    const origin = await houseBehind(edge);
    const path = edgePath(await ask(origin, {}, { 'x-economizer-cache-tags': 'a' }));
    expect((await get(edge.url + path)).status).toBe(200);
    const house = await reader(edge);
    edge.pause();
    const from = performance.now();
    const report = await house.gateway.assembly.purger.purge({ tags: ['a'] });
    expect(report.targets).toEqual({ edge: 'failed' });
    // As long as one purge may take, and no longer.
    expect(performance.now() - from).toBeLessThan(2000);
    edge.resume();
    // The other gateway does not know of it and gives it again: this one's repeated purge takes out what lies at the edge.
    await origin.gateway.assembly.stack.clear();
    const isGone = async () => (await get(edge.url + path)).status === 404;
    for (let turn = 0; turn < 100 && !(await isGone()); turn++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await isGone()).toBe(true);
    await untilRead(house, origin, 'after');
  }, 60_000);

  it('missed a purge is told even by the next life of the gateway', async () => {
    const edge = await varnish();
    const origin = await houseBehind(edge);
    const path = edgePath(await ask(origin, {}, { 'x-economizer-cache-tags': 'a' }));
    expect((await get(edge.url + path)).status).toBe(200);
    await origin.gateway.assembly.stack.clear();
    const data = temporaryFolder();
    const way = await freePort();
    const urls = [`http://127.0.0.1:${way}`];
    const house = await reader(edge, data, { urls });
    const report = await house.gateway.assembly.purger.purge({ tags: ['a'] });
    expect(report.targets).toEqual({ edge: 'failed' });
    await house.gateway.stop();
    expect((await get(edge.url + path)).status).toBe(200);
    await passOn(way, Number(new URL(edge.url).port));
    const next = await reader(edge, data, { urls });
    await untilRead(next, origin, 'after');
    expect((await get(edge.url + path)).status).toBe(404);
  }, 60_000);

  it('may have missed anything where the list of that is damaged', async () => {
    const edge = await varnish();
    const origin = await houseBehind(edge);
    const path = edgePath(await ask(origin));
    expect((await get(edge.url + path)).status).toBe(200);
    await origin.gateway.assembly.stack.clear();
    const data = temporaryFolder();
    writeFileSync(join(data, 'edge-purges.json'), '{"varnish');
    await untilRead(await reader(edge, data), origin, 'after');
    expect((await get(edge.url + path)).status).toBe(404);
  }, 60_000);
});
