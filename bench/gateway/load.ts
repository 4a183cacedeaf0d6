/**
 * Load over raw sockets: as many requests at once as there are connections, each waiting for its answer.
 * Runs in a process of its own. Usage: node load.ts JSON, prints JSON.
 */
import { connect, type Socket } from 'node:net';
import { BodySource, type Traffic } from './bodies.ts';

export interface LoadPlan {
  readonly port: number;
  readonly path: string;
  readonly headers: readonly string[];
  readonly connections: number;
  readonly milliseconds: number;
  readonly traffic: Traffic;
  readonly bytes: number;
  readonly streams: boolean;
}

export interface LoadResult {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const nonce = `${process.pid.toString(36)}${Date.now().toString(36)}`;
const lastChunk = Buffer.from('0\r\n\r\n');
const plan = JSON.parse(process.argv[2]!) as LoadPlan;
const latencies: number[] = [];
let failed = 0;
const until = performance.now() + plan.milliseconds;

function head(length: number): Buffer {
  const fields = [
    `host: 127.0.0.1:${plan.port}`,
    'content-type: application/json',
    ...plan.headers,
  ];
  return Buffer.from(
    `POST ${plan.path} HTTP/1.1\r\n${fields.join('\r\n')}\r\ncontent-length: ${length}\r\n\r\n`,
  );
}

/** True when `text`, one whole answer so far, is complete. */
function isComplete(text: Buffer): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const fields = text.toString('latin1', 0, end).toLowerCase();
  const length = /content-length: (\d+)/.exec(fields);
  if (length !== null) return text.length >= end + 4 + Number(length[1]);
  return text.subarray(-5).equals(lastChunk);
}

/** One connection's worth of load. Servers that close after an answer get a new connection. */
class Driver {
  readonly #bodies: BodySource;
  readonly #resolve: () => void;
  #socket: Socket | undefined;
  #sentAt = 0;
  #received: Buffer[] = [];
  #isWaiting = false;

  constructor(connection: number, resolve: () => void) {
    this.#bodies = new BodySource({ ...plan, connection, nonce });
    this.#resolve = resolve;
  }

  start(): void {
    const socket = connect(plan.port, '127.0.0.1', () => this.#send());
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => failed++);
    socket.on('close', () => {
      if (this.#isWaiting) failed++;
      this.#received = [];
      if (performance.now() < until) this.start();
      else this.#resolve();
    });
  }

  #send(): void {
    if (performance.now() >= until) {
      this.#socket!.end();
      return;
    }
    const parts = this.#bodies.next();
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#sentAt = performance.now();
    this.#isWaiting = true;
    this.#socket!.cork();
    this.#socket!.write(head(length));
    for (const part of parts) this.#socket!.write(part);
    this.#socket!.uncork();
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    if (plan.streams && !chunk.subarray(-5).equals(lastChunk)) return;
    const text = this.#received.length === 1 ? chunk : Buffer.concat(this.#received);
    if (!isComplete(text)) return;
    if (text.toString('latin1', 9, 12) !== '200') failed++;
    this.#received = [];
    this.#isWaiting = false;
    latencies.push(performance.now() - this.#sentAt);
    this.#send();
  }
}

await Promise.all(
  Array.from(
    { length: plan.connections },
    (_, index) => new Promise<void>((resolve) => new Driver(index, resolve).start()),
  ),
);
latencies.sort((one, other) => one - other);
const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
const result: LoadResult = {
  requests: latencies.length,
  failed,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
