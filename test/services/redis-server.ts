import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real Redis of this machine, on a port and in a directory of its own. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** SIGSTOP and SIGCONT: it takes connections and answers nothing. */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  /** Starts it again on the same port, after `kill`. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** False where this machine has no Redis; then one line says how to get it. With `CI=true` a missing Redis is a failure. */
export const hasRedis = serviceIsHere('redis-server', 'apt-get install redis-server');

export function serviceIsHere(command: string, remedy: string, ask = '--version'): boolean {
  const isHere = spawnSync(command, [ask]).error === undefined;
  if (isHere) return true;
  const message = `${command} is not installed: ${remedy}`;
  if (process.env['CI'] === 'true') throw new Error(message);
  console.warn(`skipped: ${message}`);
  return false;
}

/** @param given the port; default: a free one. */
export async function startRedis(
  settings: readonly string[] = [],
  given?: number,
): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'economizer-redis-'));
  const port = given ?? (await freePort());
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const words = ['--port', String(port), '--dir', directory, '--bind', '127.0.0.1'];
    child = spawn('redis-server', [...words, '--save', '', ...settings], { stdio: 'ignore' });
    // One that cannot be reached must not be left behind.
    await untilReachable(port).catch((error: unknown) => {
      child!.kill('SIGKILL');
      throw error;
    });
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child!.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill,
    restart: start,
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export async function untilReachable(port: number, attempts = 200): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const reached = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.end());
    });
    if (reached) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nothing listens on port ${port}`);
}
