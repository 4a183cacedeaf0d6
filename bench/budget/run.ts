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

/** Microseconds. */
interface Cost {
  readonly store: string;
  readonly lines: number;
  readonly atOnce: number;
  readonly hold: { readonly p50: number; readonly p99: number };
  readonly settle: { readonly p50: number; readonly p99: number };
  /** CPU of this process for both, collection of garbage and threads included. */
  readonly cpu: number;
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
): Promise<Cost> {
  const holds: number[] = [];
  const settles: number[] = [];
  let next = -warmUp;
  let beatAt = 0;
  const lane = async (): Promise<void> => {
    while (next < calls) {
      const call = next++;
      if (performance.now() > beatAt) {
        beatAt = performance.now() + 1000;
        await store.heartbeat();
        await delay(0);
      }
      const id = newId(Date.now());
      const lines = linesOf(call, lineCount);
      const from = performance.now();
      const verdict = store.hold({ id, amount: 1_000_000, lines });
      if (verdict instanceof Promise) await verdict;
      const held = performance.now();
      const outcome = store.settle(id, 400_000);
      if (outcome instanceof Promise) await outcome;
      if (call < 0) continue;
      holds.push((held - from) * 1000);
      settles.push((performance.now() - held) * 1000);
    }
  };
  const cpu = process.cpuUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, lane));
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    store: store.name,
    lines: lineCount,
    atOnce,
    hold: quantiles(holds),
    settle: quantiles(settles),
    cpu: round((user + system) / (calls + warmUp)),
    callsPerSecond: Math.round((calls + warmUp) / seconds),
  };
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
  costs.push(await measure(sqlite, 20_000, lines, 1));
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
console.log('store    lines  at once          hold         settle   cpu of both   calls/s');
for (const { store, lines, atOnce, hold, settle, cpu, callsPerSecond } of costs) {
  const pair = (each: Cost['hold']) => `${each.p50} / ${each.p99}`.padStart(15);
  console.log(
    `${store.padEnd(9)}${String(lines).padStart(5)}${String(atOnce).padStart(9)}${pair(hold)}${pair(settle)}${String(cpu).padStart(14)}${String(callsPerSecond).padStart(10)}`,
  );
}
mkdirSync('bench/results', { recursive: true });
writeFileSync('bench/results/budget.json', `${JSON.stringify({ costs }, null, 2)}\n`);
