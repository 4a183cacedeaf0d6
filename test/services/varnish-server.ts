import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, serviceIsHere, untilReachable } from './redis-server.ts';

/** A real Varnish of this machine with the VCL that we ship, on a port and in a directory of its own. */
export interface VarnishServer {
  readonly url: string;
  readonly secret: string;
  /** Goes before whatever listens on this port; empties the cache where Varnish runs already. */
  startBefore(backendPort: number): Promise<void>;
  /** SIGSTOP and SIGCONT for its worker: it takes connections and answers nothing. */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** False where this machine has no Varnish with `xkey`; then one line says how to get it. With `CI=true` that is a failure. */
export const hasVarnish =
  serviceIsHere('varnishd', 'apt-get install varnish varnish-modules', '-V') && hasXkey();

function hasXkey(): boolean {
  const isHere = readdirSync('/usr/lib').some((each) =>
    existsSync(join('/usr/lib', each, 'varnish/vmods/libvmod_xkey.so')),
  );
  if (!isHere && process.env['CI'] === 'true') throw new Error('apt-get install varnish-modules');
  if (!isHere) console.warn('skipped: Varnish lacks xkey: apt-get install varnish-modules');
  return isHere;
}

/** Takes a free port; nothing runs until `startBefore`. */
export async function prepareVarnish(): Promise<VarnishServer> {
  const directory = mkdtempSync(join(tmpdir(), 'economizer-varnish-'));
  const port = await freePort();
  const secret = 'a-secret-of-the-edge-01';
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child!.once('exit', resolve));
    signalWorker(child, 'SIGCONT');
    child.kill('SIGTERM');
    await gone;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    secret,
    async startBefore(backendPort) {
      await kill();
      const vcl = join(directory, 'economizer.vcl');
      const shipped = readFileSync('docs/edge/economizer.vcl', 'utf8');
      writeFileSync(vcl, shipped.replace('"8787"', `"${backendPort}"`));
      const words = ['-F', '-j', 'none', '-n', join(directory, 'work'), '-f', vcl];
      child = spawn('varnishd', [...words, '-a', `127.0.0.1:${port}`, '-s', 'malloc,32m'], {
        stdio: 'ignore',
        env: { ...process.env, ECONOMIZER_PURGE_SECRET: secret },
      });
      await untilReachable(port).catch((error: unknown) => {
        child!.kill('SIGKILL');
        throw error;
      });
    },
    pause: () => signalWorker(child!, 'SIGSTOP'),
    resume: () => signalWorker(child!, 'SIGCONT'),
    kill,
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The process that serves is a child of the one that was started. */
function signalWorker(manager: ChildProcess, signal: NodeJS.Signals): void {
  const pid = manager.pid!;
  for (const each of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
    if (each !== '') process.kill(Number(each), signal);
  }
}
