/** `npm run bench:budget`: what it costs to hold and to settle, by store. Redis is started for it; without one it is left out. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createMemoryBudgetStore } from '../../src/budget/stores/memory.ts';
import { createRedisBudgetStore } from '../../src/budget/stores/redis.ts';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import type { AccountLine, BudgetStore } from '../../src/budget/store.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/ids.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { connectRedis } from '../../src/services/redis-client.ts';
import { hasRedis, startRedis } from '../../test/services/redis-server.ts';

/** Microseconds that callers wait, for each call: a turn of several has the time of one. */
interface Cost {
  readonly store: string;
  readonly lines: number;
  readonly atOnce: number;
  /** Calls that ask in one turn of the event loop, as a busy gateway has them. */
  readonly aTurn: number;
  readonly hold: { readonly p50: number; readonly p99: number };
  readonly settle: { readonly p50: number; readonly p99: number };
  /** CPU of this process for both, collection of garbage and threads included. */
  readonly cpu: number;
  /** Of its main thread alone, whose time calls wait for. */
  readonly mainCpu: number;
  readonly callsPerSecond: number;
}

const warmUp = 2000;
const terms = { clock: systemClock, owner: 'bench' };

/** An organisation, a team and one of 20 agents. */
function linesOf(call: number, count: number): readonly AccountLine[] {
  const accounts = ['org@2026-11', 'team/search@2026-11-25', `agent/${call % 20}@2026-11-25`];
  return accounts.slice(0, count).map((account) => {
    return { account: `{budgets}${account}`, limit: 1e15, hard: true, endsAt: 2e12 };
  });
}

async function measure(
  store: BudgetStore,
  calls: number,
  lineCount: number,
  atOnce: number,
  aTurn = 1,
): Promise<Cost> {
  const holds: number[] = [];
  const settles: number[] = [];
  let next = -warmUp;
  let beatAt = 0;
  const lane = async (): Promise<void> => {
    for (let first = next; first < calls; first = next) {
      next += aTurn;
      const turn = Array.from({ length: aTurn }, (_, index) => {
        return { id: newId(Date.now()), call: first + index };
      });
      if (performance.now() > beatAt) {
        beatAt = performance.now() + 1000;
        await store.heartbeat();
        await delay(0);
      }
      const requests = turn.map(({ id, call }) => {
        return { id, amount: 1_000_000, lines: linesOf(call, lineCount) };
      });
      const from = performance.now();
      await all(requests.map((request) => store.hold(request)));
      const held = performance.now();
      await all(turn.map(({ id }) => store.settle(id, 400_000)));
      const done = performance.now();
      if (first < 0) continue;
      holds.push(((held - from) * 1000) / aTurn);
      settles.push(((done - held) * 1000) / aTurn);
    }
  };
  const cpu = process.cpuUsage();
  const mainCpu = process.threadCpuUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, lane));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const main = process.threadCpuUsage(mainCpu);
  return {
    store: store.name,
    lines: lineCount,
    atOnce,
    aTurn,
    hold: quantiles(holds),
    settle: quantiles(settles),
    cpu: round((user + system) / (calls + warmUp)),
    mainCpu: round((main.user + main.system) / (calls + warmUp)),
    callsPerSecond: Math.round((calls + warmUp) / seconds),
  };
}

/** Waits only for those that do not answer at once. */
async function all(answers: readonly unknown[]): Promise<void> {
  for (const answer of answers) if (answer instanceof Promise) await answer;
}

function quantiles(times: number[]): { p50: number; p99: number } {
  times.sort((one, other) => one - other);
  const at = (part: number) => round(times[Math.floor(part * times.length)]!);
  return { p50: at(0.5), p99: at(0.99) };
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

const costs: Cost[] = [];
const directory = mkdtempSync(join(tmpdir(), 'economizer-bench-'));
for (const lines of [1, 3]) {
  const memory = createMemoryBudgetStore(terms);
  costs.push(await measure(memory, 20_000, lines, 1));
  const sqlite = createSqliteBudgetStore({ ...terms, path: join(directory, `${lines}.sqlite`) });
  for (const aTurn of [1, 4, 16]) costs.push(await measure(sqlite, 20_000, lines, 1, aTurn));
  await sqlite.close();
}
rmSync(directory, { recursive: true, force: true });
if (hasRedis) {
  const server = await startRedis();
  const link = connectRedis({ url: server.url });
  while (!link.connected) await delay(5);
  const options = { ...terms, link, signals: new Signals(), ledger: 'bench', settleMs: 1 };
  const redis = createRedisBudgetStore(options);
  await redis.whenOpen(2000);
  costs.push(await measure(redis, 4000, 3, 1), await measure(redis, 20_000, 3, 64));
  await redis.close();
  await link.close();
  await server.stop();
}
console.log('Microseconds; p50 / p99.\n');
console.log(
  'store    lines  at once  a turn              hold            settle   cpu of both   main thread   calls/s',
);
for (const cost of costs) {
  const { store, lines, atOnce, aTurn, hold, settle, cpu, mainCpu, callsPerSecond } = cost;
  const pair = (each: Cost['hold']) => `${each.p50} / ${each.p99}`.padStart(18);
  console.log(
    `${store.padEnd(9)}${String(lines).padStart(5)}${String(atOnce).padStart(9)}${String(aTurn).padStart(8)}${pair(hold)}${pair(settle)}${String(cpu).padStart(14)}${String(mainCpu).padStart(14)}${String(callsPerSecond).padStart(10)}`,
  );
}
mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/budget.json', `${JSON.stringify({ costs }, null, 2)}\n`);
