/**
 * `node test/sim/run.ts`: overshoot, use and leaks of budgets under random traffic, ours beside the ways of others.
 *   --seeds N      runs of each way in this process, by simulated time (200)
 *   --processes N  runs of four processes on one SQLite file, and on one Redis (as many as --seeds)
 *   --calls N      in each run (20000)
 *   --keep FILE    notes each run there, and leaves out those that are noted: a long simulation can be stopped and go on
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hasRedis, startRedis } from '../services/redis-server.ts';
import { wholePlan } from './arrivals.ts';
import { simulate, ways } from './in-process.ts';
import { simulateProcesses } from './processes.ts';
import { summaryOf, tableOf, type SimResult, type SimSummary } from './result.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    processes: { type: 'string' },
    keep: { type: 'string' },
    calls: { type: 'string', default: String(wholePlan.calls) },
  },
});
const seedsOf = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const seeds = seedsOf(Number(values.seeds));
const processSeeds = seedsOf(Number(values.processes ?? values.seeds));
const size = { ...wholePlan, calls: Number(values.calls) };
const summaries: SimSummary[] = [];

interface Noted {
  readonly way: string;
  readonly seed: number;
  readonly result: SimResult;
}

const noted: Noted[] = [];
if (values.keep !== undefined && existsSync(values.keep)) {
  const lines = readFileSync(values.keep, 'utf8').split('\n').slice(0, -1);
  noted.push(...lines.map((line) => JSON.parse(line) as Noted));
}

async function runAll(
  way: string,
  all: readonly number[],
  run: (seed: number) => SimResult | Promise<SimResult>,
): Promise<void> {
  const results: SimResult[] = [];
  for (const seed of all) {
    const before = noted.find((each) => each.way === way && each.seed === seed);
    if (before === undefined) process.stderr.write(`\r${way}: seed ${seed}   `);
    const result = before?.result ?? (await run(seed));
    results.push(result);
    if (before !== undefined || values.keep === undefined) continue;
    appendFileSync(values.keep, `${JSON.stringify({ way, seed, result })}\n`);
  }
  process.stderr.write('\r\u001b[K');
  if (results.length > 0) summaries.push(summaryOf(way, results));
}

for (const [way, make] of Object.entries(ways)) {
  await runAll(way, seeds, (seed) => simulate(make(), seed, size));
}
await runAll('ours, 4 processes, one SQLite', processSeeds, (seed) =>
  simulateProcesses(seed, size),
);
if (hasRedis && processSeeds.length > 0) {
  const redis = await startRedis();
  try {
    await runAll('ours, 4 processes, one Redis', processSeeds, (seed) =>
      simulateProcesses(seed, size, redis.url),
    );
  } finally {
    await redis.stop();
  }
}
console.log(tableOf(summaries));
mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/budget-sim.json', `${JSON.stringify({ size, summaries }, null, 2)}\n`);
