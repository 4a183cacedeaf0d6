/**
 * `npm run bench:eviction -- [FILE...]`: how well the memory cache chooses what to keep, beside other policies and Belady's optimum.
 * FILE is a trace, one key a line, as for `economizer eval eviction`; without any, only made-up requests are measured.
 *   --part NAME   traces, families, weights, speed or memory; all where left out
 *   --json        JSON only            --out FILE   writes the JSON there too
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { linesOf } from '../../src/replay/lines.ts';
import { Trace } from '../../src/cache/eviction/trace/trace.ts';
import { hitRatios, numbered, savings } from './cells.ts';
import { measureMemory, measureSpeed } from './speed.ts';
import { familiesFor, made, weightsOf } from './synthetic.ts';

const { values, positionals: files } = parseArgs({
  options: {
    part: { type: 'string' },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
  allowPositionals: true,
});

type Row = Record<string, string | number>;

/** Sizes at which these traces are known from papers and other projects; others are run at shares of their keys. */
const knownSizes: Readonly<Record<string, readonly number[]>> = {
  gli: [500, 1000, 1500],
  loop: [512],
  ps: [800],
  sprite: [600],
  multi1: [1000],
  corda: [1024],
  web07: [300],
  'mooncake-conversation': [1000, 10_000],
};
const sharesOfKeys = [0.01, 0.03, 0.1, 0.3];

async function measureTraces(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const file of files) {
    const trace = new Trace();
    for await (const { text } of linesOf(file, process.stdin)) trace.add(text.trim());
    const name = basename(file).split('.')[0]!;
    const atShares = sharesOfKeys.map((share) => Math.ceil(share * trace.uniqueKeys));
    for (const entries of knownSizes[name] ?? atShares) {
      rows.push({ trace: name, entries, ...hitRatios(trace.keys, entries) });
    }
  }
  return withMean(rows);
}

function measureFamilies(): Row[] {
  const rows = [2, 10, 60, 500, 3000].flatMap((entries) =>
    Object.entries(familiesFor(entries)).map(([trace, family]): Row => {
      const keys = made(family, Math.max(10_000, 60 * entries));
      return Object.assign({ trace, entries }, hitRatios(keys, entries));
    }),
  );
  return withMean(rows);
}

function measureWeights(): Row[] {
  const rows = ['alike', 'by size'].flatMap((worth) =>
    Object.entries(familiesFor(1000)).map(([trace, family]): Row => {
      const { keys } = numbered(made(family, 60_000));
      const weights = weightsOf(worth === 'by size');
      return Object.assign({ trace, worth }, savings(keys, 1_500_000, weights));
    }),
  );
  return ['alike', 'by size'].flatMap((worth) =>
    withMean(rows.filter((row) => row['worth'] === worth)),
  );
}

function withMean(rows: Row[]): Row[] {
  if (rows.length === 0) return rows;
  const mean: Row = { trace: 'MEAN' };
  for (const [column, value] of Object.entries(rows[0]!)) {
    if (typeof value !== 'number' || column === 'entries') continue;
    const sum = rows.reduce((all, row) => all + (row[column] as number), 0);
    mean[column] = Math.round((100 * sum) / rows.length) / 100;
  }
  return [...rows, mean];
}

const parts: Readonly<Record<string, () => object[] | Promise<object[]>>> = {
  traces: measureTraces,
  families: measureFamilies,
  weights: measureWeights,
  speed: measureSpeed,
  memory: measureMemory,
};

const results: Record<string, object[]> = {};
for (const [part, measure] of Object.entries(parts)) {
  if (values.part !== undefined && values.part !== part) continue;
  results[part] = await measure();
  if (values.json) continue;
  console.log(`\n${part}`);
  console.table(results[part]);
}
if (!values.json && files.length === 0) {
  console.log('No trace files were given: recorded traces were left out.');
}
const report = { machine: { cores: cpus().length, node: process.version }, ...results };
if (values.json) console.log(JSON.stringify(report, undefined, 2));
if (values.out !== undefined)
  writeFileSync(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
