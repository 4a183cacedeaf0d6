import { createServer, request, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chat, startHouse, until, type House } from './harness.ts';

const mebibyte = 1024 * 1024;
/** What sockets, pipes and the gateway's own queues may hold between two ends; far less than what is sent. */
const heldAtMost = 32 * mebibyte;

/** A provider that writes a hundred megabytes as fast as they are taken, and counts them. */
async function floodingHouse(
  type: string,
  chunk: Buffer,
): Promise<{ house: House; sent: () => number }> {
  let sent = 0;
  const flood = (response: ServerResponse): void => {
    while (sent < 100 * mebibyte && !response.destroyed) {
      sent += chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', () => flood(response));
        return;
      }
    }
    response.end();
  };
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      response.writeHead(200, { 'content-type': type });
      flood(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const openai = { base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
  return {
    house: await startHouse({ config: { providers: { openai } as never } }),
    sent: () => sent,
  };
}

/** Waits until a number has stopped growing. */
async function settled(count: () => number): Promise<number> {
  let last = -1;
  let still = 0;
  await until(() => {
    still = count() === last && last > 0 ? still + 1 : 0;
    last = count();
    return still > 60;
  });
  return last;
}

const event = Buffer.from(
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(8000) } }] })}\n\n`,
);

describe('a client that does not read makes the provider wait', () => {
  it.each([
    ['a file', '/v1/files/f/content', 'application/octet-stream', Buffer.alloc(65_536)],
    [
      'a stream of events that others may share',
      '/v1/chat/completions',
      'text/event-stream',
      event,
    ],
    ['a plain answer', '/v1/chat/completions', 'application/json', Buffer.alloc(65_536, ' ')],
  ])(
    'with %s, and gets all of it when it goes on',
    async (_name, path, type, chunk) => {
      const { house, sent } = await floodingHouse(type, chunk);
      const body = chat({ temperature: 0, stream: type === 'text/event-stream' });
      let read = 0;
      await new Promise<void>((resolve, reject) => {
        const asked = request(house.url + path, { method: 'POST' }, (response) => {
          void settled(sent).then((held) => {
            expect(held).toBeLessThan(heldAtMost);
            response.on('data', (bytes: Buffer) => (read += bytes.length));
            response.on('end', resolve);
          }, reject);
        });
        asked.on('error', reject);
        asked.end(body);
      });
      expect(read).toBe(sent());
      expect(read).toBeGreaterThanOrEqual(100 * mebibyte);
    },
    30_000,
  );
});

it('a provider that does not read makes the uploading client wait', async () => {
  const server = createServer((incoming) => void incoming.pause());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const openai = { base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
  const house = await startHouse({
    // A connection that nobody reads from does not tell that its other end has gone.
    config: { providers: { openai } as never, shutdown_grace: '100ms' },
  });
  let written = 0;
  const socket = connect(Number(new URL(house.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.write(
    `POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${100 * mebibyte}\r\n\r\n`,
  );
  const pump = (): void => {
    let goesOn = true;
    while (goesOn && written < 100 * mebibyte) {
      written += 65_536;
      goesOn = socket.write(Buffer.alloc(65_536));
    }
    if (!goesOn) socket.once('drain', pump);
  };
  pump();
  expect(await settled(() => written)).toBeLessThan(heldAtMost);
});
