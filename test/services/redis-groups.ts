import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startRedis, untilReachable, type RedisServer } from './redis-server.ts';
import { until } from '../until.ts';

/** A master with a replica, watched by a sentinel that is quick to fail over. */
export interface SentinelGroup {
  readonly name: string;
  readonly sentinelPort: number;
  readonly servers: readonly [RedisServer, RedisServer];
  stop(): Promise<void>;
}

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const name = 'house';
  const master = await startRedis();
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)]);
  const directory = mkdtempSync(join(tmpdir(), 'economizer-sentinel-'));
  const sentinelPort = await freePort();
  const file = join(directory, 'sentinel.conf');
  const lines = [
    `port ${sentinelPort}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  await untilReachable(sentinelPort);
  // The sentinel learns of replicas from the master, every ten seconds unless it is told what to ask.
  await until(() => /slave0/.test(ask(master.port, 'INFO', 'replication')));
  await until(() => ask(sentinelPort, 'SENTINEL', 'REPLICAS', name).includes(String(replica.port)));
  return {
    name,
    sentinelPort,
    servers: [master, replica],
    async stop() {
      await ended(sentinel);
      await Promise.all([master.stop(), replica.stop()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Three masters that share the slots. */
export interface ClusterGroup {
  readonly servers: readonly RedisServer[];
  stop(): Promise<void>;
}

export async function startCluster(): Promise<ClusterGroup> {
  const words = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'];
  const coverage = ['--cluster-require-full-coverage', 'no'];
  const servers = await Promise.all([0, 1, 2].map(() => startRedis([...words, ...coverage])));
  const places = servers.map(({ port }) => `127.0.0.1:${port}`);
  const made = spawnSync('redis-cli', ['--cluster', 'create', ...places, '--cluster-yes']);
  if (made.status !== 0)
    throw new Error(`no cluster: ${String(made.stdout)} ${String(made.stderr)}`);
  await until(() =>
    servers.every(({ port }) => ask(port, 'CLUSTER', 'INFO').includes('cluster_state:ok')),
  );
  return {
    servers,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

function ask(port: number, ...words: string[]): string {
  return spawnSync('redis-cli', ['-p', String(port), ...words]).stdout.toString();
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
