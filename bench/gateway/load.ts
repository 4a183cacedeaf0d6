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
  return text.subarray(-5).equals(Buffer.from('0\r\n\r\n'));
}

function drive(connection: number): Promise<void> {
  const bodies = new BodySource({ ...plan, connection });
  return new Promise((resolve) => {
    let sentAt = 0;
    let received: Buffer[] = [];
    const send = (): void => {
      if (performance.now() >= until) {
        socket.end();
        resolve();
        return;
      }
      const parts = bodies.next();
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      sentAt = performance.now();
      socket.cork();
      socket.write(head(length));
      for (const part of parts) socket.write(part);
      socket.uncork();
    };
    const socket: Socket = connect(plan.port, '127.0.0.1', send);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      const isLikelyEnd = !plan.streams || chunk.subarray(-5).equals(Buffer.from('0\r\n\r\n'));
      if (!isLikelyEnd) return;
      const text = received.length === 1 ? received[0]! : Buffer.concat(received);
      if (!isComplete(text)) return;
      if (text.toString('latin1', 9, 12) !== '200') failed++;
      received = [];
      latencies.push(performance.now() - sentAt);
      send();
    });
    socket.on('error', () => {
      failed++;
      resolve();
    });
  });
}

await Promise.all(Array.from({ length: plan.connections }, (_, index) => drive(index)));
latencies.sort((one, other) => one - other);
const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? 0;
const result: LoadResult = {
  requests: latencies.length,
  failed,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
