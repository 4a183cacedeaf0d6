import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

/** A server process of the benchmark. */
export interface Server {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
}

/** Starts a Node program on one core and waits for the line that says it listens. */
export async function startServer(options: {
  readonly name: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly core: number;
  readonly ready: RegExp;
  readonly environment?: Record<string, string>;
}): Promise<Server> {
  const { name, args, port, core, ready, environment } = options;
  const child = spawn('taskset', ['-c', String(core), process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const onText = (text: Buffer): void => {
      output += text.toString('utf8');
      if (ready.test(output)) resolve();
    };
    child.stdout.on('data', onText);
    child.stderr.on('data', onText);
    child.once('exit', () => reject(new Error(`${name} ended before it listened:\n${output}`)));
  });
  return { name, port, child };
}

export async function stopServer({ child }: Server): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await once(child, 'exit');
  clearTimeout(timer);
}

/** A port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Microseconds on a processor of all threads of a process, as the scheduler counts them (proc(5), schedstat). */
export function cpuMicroseconds({ child }: Server): number {
  const tasks = `/proc/${child.pid}/task`;
  let nanoseconds = 0;
  for (const task of readdirSync(tasks)) {
    const [onCpu] = readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ');
    nanoseconds += Number(onCpu);
  }
  return nanoseconds / 1000;
}

/** Resident memory of a process in megabytes. */
export function residentMegabytes({ child }: Server): number {
  const match = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
  return Math.round(Number(match?.[1] ?? 0) / 1024);
}
