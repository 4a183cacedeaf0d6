import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examineFiles } from '../../src/cli/doctor.ts';
import { replayFiles, withRecommendedCare } from '../../src/cli/replay.ts';
import type { Config } from '../../src/config/config.ts';
import { configOf } from '../../src/config/load.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { linesOf } from '../../src/replay/lines.ts';
import { faults, faultyCalls, type Conversation, type Fault } from './faults.ts';

const recommended = withRecommendedCare(configOf({}));
const withCare = (care: Partial<Config['care']>): Config => ({
  ...recommended,
  care: { ...recommended.care, ...care },
});
const gapMs = 8000;

/** All traffic in order: what it costs untouched, with recommended care, and ideally. */
export async function measureTotals(files: readonly string[], models: readonly string[]) {
  const rows = [];
  for (const model of models) {
    const { calls, answers_changed, without, ...other } = await replayFiles(files, {
      model,
      config: recommended,
    });
    rows.push({
      model,
      calls,
      answers_changed,
      without: without.usd,
      with: other.with.usd,
      ideal: other.ideal.usd,
      of_ideal: ratio(other.with.usd, other.ideal.usd),
    });
  }
  return rows;
}

/** Each conversation by itself: how many are dearer with care than untouched. */
export async function measureEach(files: readonly string[], models: readonly string[]) {
  const conversations = await conversationsOf(files);
  const rows = [];
  for (const model of models) {
    let dearer = 0;
    let worst = 0;
    for (const conversation of conversations) {
      const report = await inFile([conversation], (file) =>
        replayFiles([file], { model, config: recommended }),
      );
      worst = Math.max(worst, report.with.usd / report.without.usd);
      // Below a millionth of a cent it is rounding.
      if (report.with.usd > report.without.usd + 1e-8) dearer++;
    }
    rows.push({ model, conversations: conversations.length, dearer, dearest: ratio(worst, 1) });
  }
  return rows;
}

/** The same traffic with faults: what the doctor says they cost, what they do cost, and what repairs bring back. */
export async function measureFaults(files: readonly string[], models: readonly string[]) {
  const conversations = await conversationsOf(files);
  const rows = [];
  for (const model of models) {
    const clean = await billsOf(conversations, (request) => request, model);
    for (const [cause, fault] of Object.entries(faults)) {
      const ill = await billsOf(conversations, fault, model);
      // Where nothing is cached without breakpoints, a fault costs what it costs with them.
      const isExplicit = model.startsWith('claude');
      const truth = isExplicit
        ? ill.unrepaired.with.usd - clean.unrepaired.with.usd
        : ill.unrepaired.without.usd - clean.unrepaired.without.usd;
      const lost = ill.unrepaired.with.usd - clean.unrepaired.with.usd;
      rows.push({
        model,
        cause,
        named: ill.doctor.culprits[0]?.cause,
        doctor: ill.doctor.lost.by[cause] ?? 0,
        truth,
        off_by: ratio(ill.doctor.lost.by[cause] ?? 0, truth) - 1,
        without_repair: ill.unrepaired.with.usd,
        repaired: ill.repaired.with.usd,
        clean: clean.unrepaired.with.usd,
        back: ratio(ill.unrepaired.with.usd - ill.repaired.with.usd, lost),
        answers_changed: ill.repaired.answers_changed,
      });
    }
  }
  return rows;
}

async function billsOf(conversations: readonly Conversation[], fault: Fault, model: string) {
  const chance = seededRandom(7);
  const random = (): number => chance.next();
  let startMs = 0;
  const lines = conversations.flatMap((conversation) => {
    const calls = faultyCalls(conversation, fault, { random, startMs, gapMs });
    startMs += (calls.length + 1) * gapMs;
    return calls;
  });
  return inFile(lines, async (file) => ({
    unrepaired: await replayFiles([file], { model, config: withCare({ order: false }) }),
    repaired: await replayFiles([file], { model, config: withCare({ repair: true }) }),
    doctor: await examineFiles([file], { model, config: recommended }),
  }));
}

async function conversationsOf(files: readonly string[]): Promise<Conversation[]> {
  const found: Conversation[] = [];
  for (const file of files) {
    for await (const line of linesOf(file, process.stdin)) {
      found.push(JSON.parse(line.text) as Conversation);
    }
  }
  return found;
}

async function inFile<Result>(
  lines: readonly object[],
  work: (file: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'economizer-bench-'));
  try {
    const file = join(folder, 'traffic.jsonl');
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
    return await work(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ratio(one: number, other: number): number {
  return Math.round((one / other) * 10_000) / 10_000;
}
