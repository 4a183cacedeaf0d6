import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../kernel/clock.ts';
import { createEdgeHttp } from './edge-http.ts';

type Handler = Parameters<typeof createServer>[1];

async function stage(handler: NonNullable<Handler>) {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = createEdgeHttp({ clock: systemClock });
  onTestFinished(async () => {
    await http.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask = (more: object = {}) =>
    http.request({ method: 'GET', url, headers: {}, timeoutMs: 2000, bytesMax: 1000, ...more });
  return { ask };
}

it('sends any method, with its fields and body, and says when to come again', async () => {
  const seen: unknown[] = [];
  const { ask } = await stage((request, response) => {
    seen.push([request.method, request.headers['x-a']]);
    request.resume();
    request.on('end', () => response.writeHead(429, { 'retry-after': '3' }).end('wait'));
  });
  const headers = { 'x-a': 'b' };
  const answer = await ask({ method: 'PURGE', headers });
  expect(answer).toMatchObject({ status: 429, retryAfterMs: 3000 });
  expect(answer.body.toString()).toBe('wait');
  await ask({ method: 'POST', headers, body: '{}' });
  expect(seen).toEqual([
    ['PURGE', 'b'],
    ['POST', 'b'],
  ]);
});

it('asks again where the other side has closed a kept connection, once', async () => {
  let requests = 0;
  const { ask } = await stage((request, response) => {
    requests++;
    if (requests === 2 || requests > 3) request.socket.destroy();
    else response.end('here');
  });
  expect((await ask()).body.toString()).toBe('here');
  expect((await ask()).body.toString()).toBe('here');
  expect(requests).toBe(3);
  await expect(ask()).rejects.toMatchObject({ code: 'ECO_EDGE' });
  expect(requests).toBe(5);
});

it('gives up in time, and on what is too large', async () => {
  const { ask } = await stage((request, response) => {
    if (request.headers['x-large'] !== undefined) response.end(Buffer.alloc(1001));
  });
  const from = performance.now();
  await expect(ask({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'ECO_EDGE' });
  expect(performance.now() - from).toBeLessThan(1500);
  const large = ask({ headers: { 'x-large': '1' } });
  await expect(large).rejects.toMatchObject({ code: 'ECO_EDGE' });
});
