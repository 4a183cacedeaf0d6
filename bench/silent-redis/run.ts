/**
 * `npm run bench:silent-redis`: what calls lose while Redis takes commands and answers none (SIGSTOP). Two gateways take turns, one with
 * that Redis and one without, on one core; Redis, provider and callers, who think for 20 ms between two calls, are on the other. Prints a table and JSON.
 *   --cycles N      how often Redis is stopped, for each number of callers (8)
 *   --out FILE      writes the JSON there too
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis } from '../../test/services/redis-server.ts';
import { freePort, startServer, stopServer, type Server } from '../gateway/processes.ts';

const { values } = parseArgs({
  options: { cycles: { type: 'string', default: '8' }, out: { type: 'string' } },
});

/** A call that was answered. Times in milliseconds. */
interface Sample {
  readonly startedAt: number;
  readonly ms: number;
}

/** Both gateways' calls of a stretch of time, in the order in which they began. */
interface Stretch {
  readonly with: readonly Sample[];
  readonly without: readonly Sample[];
}

/** Calls after the stop that count as those before the breaker opened: it opens at the third that fails in a row. */
const firstCalls = 16;
const stretchMs = 1500;
/** The breaker asks again after five seconds. */
const recoveryMs = 8000;
const callers = [1, 16];
/** What callers do between two calls: a core that is never idle would show how long its queue is. */
const usualThinkMs = 20;
const warmTurns = 12;
const data = mkdtempSync(join(tmpdir(), 'economizer-bench-'));
const agent = new Agent({ keepAlive: true });
let asked = 0;

async function startGateway(name: string, origin: string, extra: object): Promise<Server> {
  const port = await freePort();
  const file = join(data, `${name}.json`);
  const provider = { kind: 'openai', base_url: `${origin}/v1`, api_key: 'sk-bench' };
  const config = { data: join(data, name), listen: { port }, providers: { openai: provider } };
  writeFileSync(file, JSON.stringify({ ...config, ...extra }));
  const main = join(import.meta.dirname, '../../src/cli/economizer.ts');
  const args = [main, 'serve', '--config', file];
  return startServer({ name, args, port, core: 0, ready: /listen/i });
}

/** Asks what nobody has asked before; how long it took. */
function ask({ port }: Server): Promise<Sample> {
  const content = `${++asked} ${'What is an economizer? '.repeat(80)}`;
  const body = JSON.stringify({
    model: 'gpt-4o',
    temperature: 0,
    messages: [{ role: 'user', content }],
  });
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const path = '/v1/chat/completions';
    request({ port, host: '127.0.0.1', path, method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.resume();
      response.on('end', () => resolve({ startedAt, ms: performance.now() - startedAt }));
    })
      .on('error', reject)
      .end(body);
  });
}

/** Callers that ask the gateways in turn, for a while. */
async function load(
  count: number,
  gateways: readonly [Server, Server],
  thinkMs = usualThinkMs,
): Promise<Stretch> {
  const samples: [Sample[], Sample[]] = [[], []];
  const until = performance.now() + stretchMs;
  const caller = async (first: number): Promise<void> => {
    for (let turn = first; performance.now() < until; turn++) {
      const which = (turn % 2) as 0 | 1;
      samples[which].push(await ask(gateways[which]));
      if (thinkMs > 0) await pause(thinkMs);
    }
  };
  await Promise.all(Array.from({ length: count }, (_, index) => caller(index)));
  const [ours, plain] = samples.map((all) => all.toSorted((a, b) => a.startedAt - b.startedAt));
  return { with: ours!, without: plain! };
}

const at = (samples: readonly Sample[], share: number): number => {
  const sorted = samples.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
};

function figuresOf(phase: string, count: number, stretches: readonly Stretch[]) {
  const ours = stretches.flatMap((stretch) => stretch.with);
  const plain = stretches.flatMap((stretch) => stretch.without);
  const [p50, p99] = [at(ours, 0.5), at(ours, 0.99)];
  const [plainP50, plainP99] = [at(plain, 0.5), at(plain, 0.99)];
  const added = { addedP50Ms: p50 - plainP50, addedP99Ms: p99 - plainP99 };
  return { callers: count, phase, calls: ours.length, p50, p99, plainP50, plainP99, ...added };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const mockPort = await freePort();
const mock = await startServer({
  name: 'mock',
  args: [join(import.meta.dirname, '../gateway/mock-provider.ts'), String(mockPort)],
  port: mockPort,
  core: 1,
  ready: /ready/,
});
const redis = await startRedis();
const origin = `http://127.0.0.1:${mockPort}`;
const levels = { policies: { response: { levels: ['memory', 'redis'] } } };
const ours = await startGateway('with', origin, { redis: { url: redis.url }, cache: levels });
const plain = await startGateway('without', origin, {
  cache: { policies: { response: { levels: ['memory'] } } },
});
const gateways = [ours, plain] as const;
const results: ReturnType<typeof figuresOf>[] = [];
try {
  for (let turn = 0; turn < warmTurns; turn++) await load(16, gateways, 0); // compilers settle
  for (const count of callers) {
    const [usual, first, later]: [Stretch[], Stretch[], Stretch[]] = [[], [], []];
    for (let cycle = 0; cycle < Number(values.cycles); cycle++) {
      usual.push(await load(count, gateways));
      redis.pause();
      const all = await load(count, gateways);
      redis.resume();
      first.push({ with: all.with.slice(0, firstCalls), without: all.without });
      later.push({ with: all.with.slice(firstCalls), without: all.without });
      await pause(recoveryMs);
    }
    results.push(figuresOf('Redis answers', count, usual));
    results.push(figuresOf(`stopped, first ${firstCalls} calls`, count, first));
    results.push(figuresOf('stopped, later', count, later));
  }
} finally {
  for (const server of [ours, plain, mock]) await stopServer(server);
  await redis.stop();
  agent.destroy();
  rmSync(data, { recursive: true, force: true });
}

console.log(
  '| callers | phase | calls | p50 ms | p99 ms | without Redis p50 | p99 | added p50 | added p99 |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
for (const each of results) {
  const { p50, p99, plainP50, plainP99, addedP50Ms, addedP99Ms } = each;
  const numbers = [p50, p99, plainP50, plainP99, addedP50Ms, addedP99Ms];
  const cells = [each.callers, each.phase, each.calls, ...numbers.map((ms) => ms.toFixed(2))];
  console.log(`| ${cells.join(' | ')} |`);
}
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
const json = JSON.stringify({ command: 'npm run bench:silent-redis', machine, results }, null, 2);
console.log(json);
if (values.out !== undefined) writeFileSync(values.out, `${json}\n`);
