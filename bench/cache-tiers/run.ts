/**
 * `npm run bench:tiers`: what a hit and a store cost in each tier of the cache, through the tier's own interface: reading, checking and
 * unpacking included. Tiers take turns, and each is shown by the best of its turns, since what else the machine does can only add. Results
 * go to `bench/results/cache-tiers.json`.
 *   --rounds N   turns of each tier in each cell (5)
 *   --alike N    so many keys have the same answer (1), and what is held and saved is told; printed, not kept
 *   --edge       the tier at the edge alone, behind a Varnish of this machine; printed, not kept
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { CacheTier } from '../../src/cache/tier.ts';
import { answerEntry } from './answers.ts';
import { openEdge } from './edge.ts';
import { makers, type MeasuredTier } from './tiers.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    alike: { type: 'string', default: '1' },
    edge: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const alike = Number(values.alike);
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
  const entries = Array.from({ length: entriesMax }, (_, index) => {
    const answer = Math.floor(index / alike);
    return { ...answerEntry(keyOf(bytes, answer), bytes, answer), key: keyOf(bytes, index) };
  });
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
  const measured = values.edge ? [openEdge] : makers;
  const tiers = await Promise.all(measured.map((make) => make()));
  try {
    const results = await measureAll(tiers);
    if (alike > 1) for (const { name, tier } of tiers) await tellSaved(name, tier);
    return results;
  } finally {
    await Promise.all(tiers.map((each) => each.stop()));
  }
}

async function tellSaved(name: string, tier: CacheTier): Promise<void> {
  const { bytes, sharedBytesSaved = 0 } = await tier.stats();
  const [held, saved] = [bytes, sharedBytesSaved].map((each) => (each / 1e6).toFixed(1));
  console.log(`${name}: holds ${held} MB, saves ${saved} MB`);
}

async function measureAll(tiers: readonly MeasuredTier[]): Promise<Record<string, Figures>[]> {
  const results: Record<string, Figures>[] = [];
  for (const cell of cells) {
    const stores: number[] = [];
    for (const { tier } of tiers) stores.push(await fill(tier, cell.bytes));
    const turns: Figures[][] = tiers.map(() => []);
    for (let round = -1; round < rounds; round++) {
      for (const [index, { tier }] of tiers.entries()) {
        const turn = await takeTurn(tier, cell, stores[index]!);
        if (round >= 0) turns[index]!.push(turn); // the first is to warm up
      }
    }
    const figures = tiers.map(({ name }, index) => [name, quietest(turns[index]!)] as const);
    results.push(Object.fromEntries(figures));
  }
  return results;
}

async function takeTurn(
  tier: CacheTier,
  { bytes, concurrency }: (typeof cells)[number],
  storeUs: number,
): Promise<Figures> {
  const times: number[] = [];
  const [cpu, from] = [process.cpuUsage(), performance.now()];
  await hit(tier, bytes, concurrency, times);
  const wallMs = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
  return {
    p50Us: at(0.5),
    p99Us: at(0.99),
    cpuUs: (user + system) / sorted.length,
    perSecond: (sorted.length / wallMs) * 1000,
    storeUs,
  };
}

/** What else the machine does can only add. */
function quietest(turns: readonly Figures[]): Figures {
  const least = (name: keyof Figures): number => Math.min(...turns.map((turn) => turn[name]));
  return {
    p50Us: least('p50Us'),
    p99Us: least('p99Us'),
    cpuUs: least('cpuUs'),
    perSecond: Math.max(...turns.map(({ perSecond }) => perSecond)),
    storeUs: least('storeUs'),
  };
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
if (!values.edge && alike === 1) {
  writeFileSync('bench/results/cache-tiers.json', `${JSON.stringify(written, undefined, 2)}\n`);
}
