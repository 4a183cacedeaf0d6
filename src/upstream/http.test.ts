import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { newCall, type Call } from '../exchange/call.ts';
import { isWhole } from '../exchange/reply.ts';
import { collect } from '../exchange/stream.ts';
import { Cancellation } from '../kernel/cancellation.ts';
import { systemClock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { HttpUpstream } from './http.ts';

let server: Server | undefined;
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server?.close();
  server = undefined;
});

/** A provider of raw bytes. `answer` gets the socket once the request's head has come. */
async function provider(answer: (socket: Socket, head: string) => void): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => answer(socket, data.toString('latin1')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
}

function upstream(
  baseUrl: string,
  limits: object = {},
  headers: Record<string, string> = {},
): HttpUpstream {
  return new HttpUpstream({
    targets: [
      { name: 'p', baseUrl, headers, dropHeaders: new Set(), connections: 4, keepAliveMs: 1000 },
    ],
    limits: { connectMs: 1000, firstByteMs: 2000, silenceMs: 2000, ...limits },
    clock: systemClock,
  });
}

function callTo(path: string, extra: Partial<Call> = {}): Call {
  const call = newCall({
    id: '1',
    provider: { name: 'p', priceId: 'p', asksStreamUsage: false },
    dialect: undefined,
    method: 'POST',
    path,
    headers: ['Content-Type', 'application/json', 'X-Vendor-Beta', 'one, two'],
    body: Buffer.from('{"a": 1}'),
    startedAt: 0,
    startedTick: 0,
    caller: { tenant: 't', agent: undefined, session: undefined, tags: [] },
  });
  return { ...call, ...extra };
}

const codeOf = (error: unknown): string => EconomizerError.from(error).code;
const json = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const events =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

describe('a provider over HTTP', () => {
  it('gets path, fields and body as the caller wrote them', async () => {
    let seen = '';
    const url = await provider((socket, head) => {
      seen = head;
      socket.end(`${json}x-request-id: r1\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`);
    });
    const reply = await upstream(url, {}, { authorization: 'Bearer k' }).send(
      callTo('/chat?x=%2F'),
    );
    expect(seen).toMatch(/^POST \/base\/chat\?x=%2F HTTP\/1\.1\r\n/);
    expect(seen).toContain('X-Vendor-Beta: one, two\r\n');
    expect(seen).toContain('authorization: Bearer k\r\n');
    expect(seen.endsWith('{"a": 1}')).toBe(true);
    expect(reply.status).toBe(200);
    expect(reply.headers).toEqual([
      'content-type',
      'application/json',
      'x-request-id',
      'r1',
      'content-length',
      '2',
    ]);
    expect(isWhole(reply.body) && Buffer.from(reply.body).toString()).toBe('{}');
  });

  it('waits for a plain answer that comes in parts', async () => {
    const url = await provider((socket) => {
      socket.write(`${json}content-length: 4\r\n\r\n{ `);
      setTimeout(() => socket.write(' }'), 20);
    });
    const { body } = await upstream(url).send(callTo('/x'));
    expect(isWhole(body) && Buffer.from(body).toString()).toBe('{  }');
  });

  it('passes a stream on before it is over', async () => {
    let finish = (): void => {};
    const url = await provider((socket) => {
      socket.write(`${events}5\r\nfirst\r\n`);
      finish = () => socket.write('4\r\nlast\r\n0\r\n\r\n');
    });
    const { body } = await upstream(url).send(callTo('/x'));
    if (isWhole(body)) throw new Error('expected a stream');
    finish();
    expect((await collect(body)).toString()).toBe('firstlast');
  });

  it.each<[string, string, (socket: Socket) => void]>([
    ['closes without a word', 'ECO_UPSTREAM_RESET', (socket) => void socket.end()],
    ['resets', 'ECO_UPSTREAM_RESET', (socket) => void socket.resetAndDestroy()],
    [
      'does not speak HTTP',
      'ECO_UPSTREAM_NOT_API',
      (socket) => void socket.write('SSH-2.0-x\r\n\r\n'),
    ],
    ['never answers', 'ECO_FIRST_BYTE_TIMEOUT', () => {}],
    [
      'promises more than it sends',
      'ECO_UPSTREAM_RESET',
      (socket) => void socket.end(`${json}content-length: 50\r\n\r\n{}`),
    ],
    [
      'falls silent within a plain answer',
      'ECO_SILENCE_TIMEOUT',
      (socket) => void socket.write(`${json}content-length: 50\r\n\r\n{}`),
    ],
  ])('fails clearly when it %s', async (_name, code, answer) => {
    const url = await provider(answer);
    const failing = upstream(url, { firstByteMs: 300, silenceMs: 300 }).send(callTo('/x'));
    await expect(failing.catch(codeOf)).resolves.toBe(code);
  });

  it('fails clearly when nobody listens', async () => {
    const url = await provider(() => {});
    server!.close();
    await once(server!, 'close');
    await expect(upstream(url).send(callTo('/x')).catch(codeOf)).resolves.toBe(
      'ECO_UPSTREAM_UNREACHABLE',
    );
  });

  it('tells the reader of a stream that breaks', async () => {
    const url = await provider((socket) => {
      socket.write(`${events}5\r\nfirst\r\n`);
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const { body } = await upstream(url).send(callTo('/x'));
    if (isWhole(body)) throw new Error('expected a stream');
    await expect(collect(body).catch(codeOf)).resolves.toBe('ECO_UPSTREAM_RESET');
  });

  it.each(['before the answer', 'within the answer'])(
    'hangs up when cancelled %s',
    async (when) => {
      let closed: Promise<unknown> = Promise.resolve();
      const cancellation = new Cancellation();
      const url = await provider((socket) => {
        closed = once(socket, 'close');
        if (when === 'within the answer') socket.write(`${events}5\r\nfirst\r\n`);
        else cancellation.cancel(new EconomizerError('ECO_CANCELLED', 'left'));
      });
      const sending = upstream(url).send(callTo('/x', { cancellation }));
      if (when === 'within the answer') {
        const { body } = await sending;
        setTimeout(() => cancellation.cancel(new EconomizerError('ECO_DEADLINE', 'late')), 5);
        await expect(collect(body as never).catch(codeOf)).resolves.toBe('ECO_DEADLINE');
      } else await expect(sending.catch(codeOf)).resolves.toBe('ECO_CANCELLED');
      await closed;
    },
  );

  it('takes no more from the provider than its reader does', async () => {
    let written = 0;
    const url = await provider((socket) => {
      socket.write(events);
      const chunk = Buffer.alloc(65_536, 'x');
      const write = (): void => {
        while (
          written < 400 &&
          socket.write(Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')]))
        ) {
          written++;
        }
        socket.once('drain', write);
      };
      write();
    });
    const { body } = await upstream(url).send(callTo('/x'));
    if (isWhole(body)) throw new Error('expected a stream');
    body.open({ write: () => false, end: () => {}, fail: () => {} });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(written).toBeLessThan(300);
    body.cancel(new Error('enough'));
  });
});
