/**
 * `npm run bench:tiers`: what a hit and a store cost in each tier of the cache, through the tier's own interface: reading, checking and
 * unpacking included. Tiers take turns, so that what else the machine does falls on all alike. Results go to
 * `bench/results/cache-tiers.json`.
 *   --rounds N   turns of each tier in each cell (5)
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { CacheTier } from '../../src/cache/tier.ts';
import { answerEntry } from './answers.ts';
import { makers, type MeasuredTier } from './tiers.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
const entriesMax = 1000;
const cells = [
  { bytes: 1024, concurrency: 1 },
  { bytes: 4096, concurrency: 1 },
  { bytes: 4096, concurrency: 16 },
  { bytes: 40_960, concurrency: 1 },
  { bytes: 40_960, concurrency: 16 },
];
const hitsPerRound = 2000;

interface Figures {
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of this process, the server's not counted. */
  readonly cpuUs: number;
  readonly perSecond: number;
  /** Until the tier says that it has it, with its share of a flush. */
  readonly storeUs: number;
}

const keyOf = (bytes: number, index: number): string => `key-${bytes}-${index}`;

async function fill(tier: CacheTier, bytes: number): Promise<number> {
  const entries = Array.from({ length: entriesMax }, (_, index) =>
    answerEntry(keyOf(bytes, index), bytes, index),
  );
  const from = performance.now();
  for (const [index, entry] of entries.entries()) {
    await tier.set(entry);
    if (index % 50 === 49) await tier.flush();
  }
  return ((performance.now() - from) * 1000) / entriesMax;
}

async function hit(tier: CacheTier, bytes: number, concurrency: number, times: number[]) {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < hitsPerRound) {
      // A step that visits all in no order that a cache of the machine would like.
      const key = keyOf(bytes, (next++ * 617) % entriesMax);
      const from = performance.now();
      const found = tier.get(key);
      const entry = found instanceof Promise ? await found : found;
      times.push((performance.now() - from) * 1000);
      if (entry === undefined) throw new Error(`${tier.name} lost ${key}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function measure(): Promise<Record<string, Figures>[]> {
  const tiers = await Promise.all(makers.map((make) => make()));
  try {
    return await measureAll(tiers);
  } finally {
    await Promise.all(tiers.map((each) => each.stop()));
  }
}

async function measureAll(tiers: readonly MeasuredTier[]): Promise<Record<string, Figures>[]> {
  const results: Record<string, Figures>[] = [];
  for (const { bytes, concurrency } of cells) {
    const figures: Record<string, Figures> = {};
    const sums = tiers.map(() => ({ times: [] as number[], cpu: 0, wall: 0, store: 0 }));
    for (const [index, { tier }] of tiers.entries()) sums[index]!.store = await fill(tier, bytes);
    for (let round = -1; round < rounds; round++) {
      for (const [index, { tier }] of tiers.entries()) {
        const sum = sums[index]!;
        const [cpu, from] = [process.cpuUsage(), performance.now()];
        await hit(tier, bytes, concurrency, sum.times);
        const { user, system } = process.cpuUsage(cpu);
        sum.cpu += user + system;
        sum.wall += performance.now() - from;
        if (round < 0) Object.assign(sum, { times: [], cpu: 0, wall: 0 }); // to warm up
      }
    }
    for (const [index, { name }] of tiers.entries()) {
      const { times, cpu, wall, store } = sums[index]!;
      const sorted = times.toSorted((a, b) => a - b);
      const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
      figures[name] = {
        p50Us: at(0.5),
        p99Us: at(0.99),
        cpuUs: cpu / sorted.length,
        perSecond: (sorted.length / wall) * 1000,
        storeUs: store,
      };
    }
    results.push(figures);
  }
  return results;
}

const results = await measure();
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD']).toString().trim();
console.log('| answer | callers | tier | hit p50 us | p99 us | CPU us | hits/s | store us |');
console.log('|---|---|---|---|---|---|---|---|');
for (const [index, { bytes, concurrency }] of cells.entries()) {
  for (const [name, figures] of Object.entries(results[index]!)) {
    const { p50Us, p99Us, cpuUs, perSecond, storeUs } = figures;
    const cells = [p50Us, p99Us, cpuUs].map((each) => each.toFixed(1));
    const ends = [perSecond, storeUs].map((each) => each.toFixed(0));
    const row = [`${bytes / 1024} KB`, concurrency, name, ...cells, ...ends];
    console.log(`| ${row.join(' | ')} |`);
  }
}
const written = {
  command: 'npm run bench:tiers',
  machine: {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    commit,
    date: new Date().toISOString().slice(0, 10),
  },
  results: cells.map(({ bytes, concurrency }, index) => ({
    bytes,
    concurrency,
    tiers: results[index],
  })),
};
writeFileSync('bench/results/cache-tiers.json', `${JSON.stringify(written, undefined, 2)}\n`);
