/**
 * The floors: what any gateway in Node must spend. `proxy` passes requests to the provider with undici's raw dispatch; `echo` reads the
 * body and answers; `hash` reads the body, hashes it and answers, which is what a cache hit cannot do without.
 * Usage: node bare-servers.ts MODE PORT [UPSTREAM]
 */
import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';

const [mode, port, upstream] = process.argv.slice(2);
const answer = Buffer.from(JSON.stringify({ text: 'x'.repeat(900) }));
const pool =
  mode === 'proxy'
    ? new Pool(upstream!, { connections: 512, keepAliveTimeout: 60_000 })
    : undefined;

function readBody(request: IncomingMessage, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => then(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
}

class Passing implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  constructor(response: ServerResponse) {
    this.#response = response;
  }
  onRequestStart(): void {}
  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const raw = (controller.rawHeaders as Buffer[]).map((each) => each.toString('latin1'));
    const kept: string[] = [];
    for (let index = 0; index < raw.length; index += 2) {
      if (/^(connection|keep-alive|transfer-encoding)$/i.test(raw[index]!)) continue;
      kept.push(raw[index]!, raw[index + 1]!);
    }
    this.#response.writeHead(status, kept);
  }
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) {
      controller.pause();
      this.#response.once('drain', () => controller.resume());
    }
  }
  onResponseEnd(): void {
    this.#response.end();
  }
  onResponseError(): void {
    this.#response.destroy();
  }
}

const server = createServer((request, response) => {
  readBody(request, (body) => {
    if (pool !== undefined) {
      const headers = ['content-type', 'application/json', 'authorization', 'Bearer sk-bench'];
      pool.dispatch({ path: request.url!, method: 'POST', headers, body }, new Passing(response));
      return;
    }
    const etag = mode === 'hash' ? hash('sha256', body, 'base64url') : 'none';
    response.writeHead(200, [
      'content-type',
      'application/json',
      'etag',
      etag,
      'content-length',
      String(answer.length),
    ]);
    response.end(answer);
  });
});
server.keepAliveTimeout = 600_000;
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
