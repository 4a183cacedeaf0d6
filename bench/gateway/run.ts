/**
 * `npm run bench:gateway`: our gateway beside the floors and Portkey's, in one go on loopback. Prints a table and JSON.
 *   --rounds N      rounds a cell, median taken (3)       --ms N     milliseconds a round (1500)
 *   --warm N        milliseconds of load before a cell (2500): compilers and collectors need tens of thousands of calls to settle
 *   --only TEXT     cells whose name has TEXT             --json     JSON only
 *   --out FILE      writes the JSON there too
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LoadPlan, LoadResult } from './load.ts';
import { installPortkey } from './portkey.ts';
import { cells, type Cell, type TargetName } from './cells.ts';
import {
  cpuMicroseconds,
  freePort,
  residentMegabytes,
  startServer,
  stopServer,
  type Server,
} from './processes.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    ms: { type: 'string', default: '1500' },
    warm: { type: 'string', default: '2500' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});

interface Figure {
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  readonly requests: number;
}

const here = import.meta.dirname;
const data = mkdtempSync(join(tmpdir(), 'economizer-bench-'));

/** So many budgets that all calls draw on, far from their limits. */
function walls(store: 'memory' | 'sqlite', count: number): object {
  const periods = ['total', 'monthly', 'weekly', 'daily', 'session'];
  const budgets = periods
    .slice(0, count)
    .map((period) => ({ id: period, limit_usd: 4_000_000, period }));
  return { budgets, budgeting: { store } };
}

/** True where some cell that is measured has this target. */
function wants(name: TargetName): boolean {
  const { only = '' } = values;
  return cells.some((cell) => cell.name.includes(only) && cell.targets.includes(name));
}

async function startAll(): Promise<Map<TargetName, Server>> {
  const mockPort = await freePort();
  const mock = await startServer({
    name: 'mock',
    args: [join(here, 'mock-provider.ts'), String(mockPort)],
    port: mockPort,
    core: 1,
    ready: /ready/,
  });
  const origin = `http://127.0.0.1:${mockPort}`;
  const servers = new Map<TargetName, Server>([['mock', mock]]);
  const start = async (name: TargetName, args: (port: number) => string[], ready: RegExp) => {
    const port = await freePort();
    servers.set(name, await startServer({ name, args: args(port), port, core: 0, ready }));
  };
  const bare = join(here, 'bare-servers.ts');
  await start('floor', (port) => [bare, 'proxy', String(port), origin], /ready/);
  await start('echo', (port) => [bare, 'echo', String(port)], /ready/);
  await start('hash', (port) => [bare, 'hash', String(port)], /ready/);
  const main = join(here, '../../src/cli/economizer.ts');
  const serve = (folder: string, extra: object) => (port: number) => {
    const file = join(data, `${folder}.json`);
    const provider = { kind: 'openai', base_url: `${origin}/v1`, api_key: 'sk-bench' };
    const config = { data: join(data, folder), listen: { port }, providers: { openai: provider } };
    writeFileSync(file, JSON.stringify({ ...config, ...extra }));
    return [main, 'serve', '--config', file];
  };
  await start('ours', serve('ours', {}), /listen/i);
  await start('ours-l3', serve('l3', { cache: { memory: { enabled: false } } }), /listen/i);
  await start('memory-1', serve('m1', walls('memory', 1)), /listen/i);
  await start('sqlite-1', serve('s1', walls('sqlite', 1)), /listen/i);
  await start('sqlite-5', serve('s5', walls('sqlite', 5)), /listen/i);
  const portkey = wants('portkey') ? installPortkey() : undefined;
  if (portkey !== undefined) {
    await start('portkey', (port) => [portkey, '--headless', `--port=${port}`], /.*/);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  return servers;
}

function headersFor(name: TargetName, mock: Server): string[] {
  if (name !== 'portkey') return ['authorization: Bearer sk-bench'];
  return [
    'authorization: Bearer sk-bench',
    'x-portkey-provider: openai',
    `x-portkey-custom-host: http://127.0.0.1:${mock.port}/v1`,
  ];
}

function load(plan: LoadPlan): LoadResult {
  const args = ['-c', '1', process.execPath, join(here, 'load.ts'), JSON.stringify(plan)];
  return JSON.parse(execFileSync('taskset', args, { encoding: 'utf8' })) as LoadResult;
}

function measure(
  cell: Cell,
  name: TargetName,
  servers: Map<TargetName, Server>,
  milliseconds = Number(values.ms),
): Figure {
  const server = servers.get(name)!;
  const plan: LoadPlan = {
    ...cell,
    port: server.port,
    path: '/v1/chat/completions',
    headers: headersFor(name, servers.get('mock')!),
    milliseconds,
  };
  const before = cpuMicroseconds(server);
  const result = load(plan);
  const cpuUs = (cpuMicroseconds(server) - before) / Math.max(1, result.requests);
  return { cpuUs, ...result };
}

const median = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[list.length >> 1]!;

function runCell(cell: Cell, servers: Map<TargetName, Server>): Record<string, Figure> {
  const targets = cell.targets.filter((name) => servers.has(name));
  const all = new Map<TargetName, Figure[]>(targets.map((name) => [name, []]));
  for (const name of targets) measure(cell, name, servers, Number(values.warm));
  for (let round = 0; round < Number(values.rounds); round++) {
    const order = round % 2 === 0 ? targets : targets.toReversed();
    for (const name of order) all.get(name)!.push(measure(cell, name, servers));
  }
  const figures: Record<string, Figure> = {};
  for (const [name, list] of all) {
    figures[name] = {
      cpuUs: median(list.map((each) => each.cpuUs)),
      p50Ms: median(list.map((each) => each.p50Ms)),
      p99Ms: median(list.map((each) => each.p99Ms)),
      failed: list.reduce((sum, each) => sum + each.failed, 0),
      requests: list.reduce((sum, each) => sum + each.requests, 0),
    };
  }
  return figures;
}

function print(cell: Cell, figures: Record<string, Figure>): void {
  const base = figures[cell.against]!;
  console.log(`\n${cell.name}`);
  for (const [name, figure] of Object.entries(figures)) {
    const ratio = `${(figure.cpuUs / base.cpuUs).toFixed(2)}x ${cell.against}`;
    const failed = figure.failed === 0 ? '' : `  ${figure.failed} FAILED`;
    console.log(
      `  ${name.padEnd(8)} ${figure.cpuUs.toFixed(1).padStart(8)} us  ${ratio.padStart(12)}  ` +
        `p50 ${figure.p50Ms.toFixed(2)} ms  p99 ${figure.p99Ms.toFixed(2)} ms${failed}`,
    );
  }
}

/** Resident memory of our gateway after each ten thousand calls of ever new conversations, streamed. */
function memoryOverTime(servers: Map<TargetName, Server>): number[] {
  const cell: Cell = {
    name: 'memory',
    traffic: 'next-turn',
    bytes: 2000,
    streams: true,
    connections: 64,
    targets: ['ours'],
    against: 'ours',
  };
  const megabytes: number[] = [];
  for (let block = 0; block < 6; block++) {
    for (let calls = 0; calls < 10_000;) calls += measure(cell, 'ours', servers, 1000).requests;
    megabytes.push(residentMegabytes(servers.get('ours')!));
  }
  return megabytes;
}

const servers = await startAll();
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
  node: process.version,
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  date: new Date().toISOString().slice(0, 10),
};
const results: object[] = [];
try {
  for (const cell of cells) {
    if (values.only !== undefined && !cell.name.includes(values.only)) continue;
    const figures = runCell(cell, servers);
    results.push({ cell: cell.name, against: cell.against, figures });
    if (!values.json) print(cell, figures);
  }
  const growth =
    values.only === undefined || 'memory'.includes(values.only) ? memoryOverTime(servers) : [];
  if (growth.length > 0 && !values.json) {
    console.log(`\nmemory after each 10,000 streams: ${growth.join(', ')} MB`);
  }
  const memory = Object.fromEntries(
    [...servers].map(([name, server]) => [name, residentMegabytes(server)]),
  );
  const report = {
    command: 'npm run bench:gateway',
    machine,
    memoryMegabytes: memory,
    growth,
    results,
  };
  const text = JSON.stringify(report, undefined, 2);
  if (values.out !== undefined) writeFileSync(values.out, `${text}\n`);
  console.log(values.json ? text : `\n${JSON.stringify({ machine, memoryMegabytes: memory })}`);
} finally {
  for (const server of servers.values()) await stopServer(server);
  rmSync(data, { recursive: true, force: true });
}
