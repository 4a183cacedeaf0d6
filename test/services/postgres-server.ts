import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './redis-server.ts';

/** A real PostgreSQL of this machine, on a port and in a directory of its own. */
export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  /** Its directory, with its settings. */
  readonly data: string;
  /** What `psql` answers to a statement, one row a line. */
  sql(statement: string): string;
  /** SIGSTOP and SIGCONT to all its processes: it takes connections and answers nothing. */
  pause(): void;
  resume(): void;
  /** All processes at once, as when the machine loses power. */
  kill(): Promise<void>;
  /** Ends it as an operator would. */
  shutDown(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const binaries = findBinaries();
/** The server refuses to run as root. */
const someoneElse: { readonly uid?: number; readonly gid?: number } =
  process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};

function idOf(which: '-u' | '-g'): number {
  return Number(spawnSync('id', [which, 'postgres'], { encoding: 'utf8' }).stdout);
}

/** False where this machine has no PostgreSQL; then one line says how to get it. With `CI=true` a missing one is a failure. */
export const hasPostgres = isHere();

function findBinaries(): string {
  const home = '/usr/lib/postgresql';
  const versions = existsSync(home) ? readdirSync(home).map(Number).filter(Boolean) : [];
  return versions.length === 0 ? '' : join(home, String(Math.max(...versions)), 'bin');
}

function isHere(): boolean {
  if (spawnSync(join(binaries, 'postgres'), ['--version']).error === undefined) return true;
  const message = 'PostgreSQL is not installed: apt-get install postgresql';
  if (process.env['CI'] === 'true') throw new Error(message);
  console.warn(`skipped: ${message}`);
  return false;
}

function run(program: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(join(binaries, program), words, {
    encoding: 'utf8',
    cwd: '/',
    ...someoneElse,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return stdout.trim();
}

/** @param settings lines of `postgresql.conf` as `name=value`. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const directory = mkdtempSync(join(tmpdir(), 'economizer-postgres-'));
  const { uid, gid } = someoneElse;
  if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
  const data = join(directory, 'data');
  const port = await freePort();
  run('initdb', [
    '-D',
    data,
    '-U',
    'house',
    '-A',
    'trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C',
  ]);
  let child: ChildProcess | undefined;
  const ends = (): Promise<unknown> => new Promise((resolve) => child!.once('exit', resolve));
  const isGone = (): boolean =>
    child === undefined || child.exitCode !== null || child.signalCode !== null;
  const groups = (): number[] => processesOf(data);
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of groups()) {
      try {
        process.kill(pid, name);
      } catch {
        // it ended by itself meanwhile
      }
    }
  };
  const fixed = [
    `port=${port}`,
    `unix_socket_directories=${directory}`,
    'listen_addresses=127.0.0.1',
  ];
  const server: PostgresServer = {
    url: `postgres://house@127.0.0.1:${port}/postgres`,
    port,
    data,
    sql: (statement) =>
      run('psql', [
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-U',
        'house',
        '-d',
        'postgres',
        '-Atqc',
        statement,
      ]),
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async kill() {
      if (isGone()) return;
      const end = ends();
      signal('SIGKILL');
      await end;
    },
    async shutDown() {
      if (isGone()) return;
      const end = ends();
      process.kill(postmasterOf(data), 'SIGINT');
      await end;
    },
    async start() {
      const words = [...fixed, ...settings].flatMap((line) => ['-c', line]);
      const all = ['-D', data, ...words];
      child = spawn(join(binaries, 'postgres'), all, {
        stdio: 'ignore',
        cwd: '/',
        ...someoneElse,
      });
      await untilReady(port).catch(async (error: unknown) => {
        await server.kill();
        throw error;
      });
    },
    async stop() {
      server.resume();
      await server.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

async function untilReady(port: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const words = ['-h', '127.0.0.1', '-p', String(port), '-U', 'house', '-d', 'postgres'];
    if (spawnSync(join(binaries, 'pg_isready'), words).status === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no PostgreSQL on port ${port}`);
}

function postmasterOf(data: string): number {
  return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** The server and those that it started. */
function processesOf(data: string): number[] {
  if (!existsSync(join(data, 'postmaster.pid'))) return [];
  const parent = postmasterOf(data);
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
  return [parent, ...children];
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return -1;
  }
}
