import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BudgetStore } from '../../src/budget/store.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { limits, planOf, replicas, type Arrival, type PlanSize } from './arrivals.ts';
import { Bill } from './bill.ts';
import { leaseMs, openStore, type StorePlace } from './real-store.ts';
import type { ReplicaOrder } from './replica-process.ts';
import type { SimResult } from './result.ts';

const program = new URL('./replica-process.ts', import.meta.url).pathname;

/** One run of four replicas in processes of their own, over a SQLite file or a Redis; `kill -9` and all. */
export async function simulateProcesses(
  seed: number,
  size: PlanSize,
  redisUrl?: string,
): Promise<SimResult> {
  const directory = mkdtempSync(join(tmpdir(), 'economizer-sim-'));
  const place: StorePlace =
    redisUrl === undefined
      ? { kind: 'sqlite', path: join(directory, 'budgets.sqlite') }
      : { kind: 'redis', url: redisUrl, prefix: `sim-${seed}` };
  const log = join(directory, 'log');
  writeFileSync(log, '');
  try {
    const logs = Array.from({ length: replicas }, (_, replica) => `${log}-${replica}`);
    for (const each of logs) writeFileSync(each, '');
    await Promise.all(
      logs.map((each, replica) => live({ place, seed, size, replica, life: 0, log: each })),
    );
    const store = await openStore(place, 'auditor', systemClock);
    try {
      return await audit(store, readLogs(logs), planOf(seed, size).arrivals);
    } finally {
      await store.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A replica with all its lives. */
async function live(order: ReplicaOrder): Promise<void> {
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (signal === 'SIGKILL') await live({ ...order, life: order.life + 1 });
  else if (code !== 0) throw new Error(`replica ${order.replica} failed with ${code ?? signal}`);
}

interface Logs {
  readonly sent: ReadonlyMap<string, number>;
  readonly ended: ReadonlyMap<string, number>;
  readonly refused: number;
  readonly passed: number;
}

function readLogs(paths: readonly string[]): Logs {
  const words = paths.flatMap((path) => {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
  });
  const costs = (kind: string) =>
    new Map(
      words.filter(([first]) => first === kind).map(([, id, cost]) => [id!, Number(cost)] as const),
    );
  const count = (kind: string) => words.filter(([first]) => first === kind).length;
  return { sent: costs('S'), ended: costs('E'), refused: count('R'), passed: count('P') };
}

/** Waits until the leases of all who were killed are over, settles what the ledger has of their calls, and compares. */
async function audit(
  store: BudgetStore,
  { sent, ended, refused, passed }: Logs,
  arrivals: readonly Arrival[],
): Promise<SimResult> {
  await delay(leaseMs + 50);
  await store.heartbeat();
  // What is freed from here on came too late to be used by anybody.
  const [used] = await store.read(['all@total']);
  const expected = new Map(ended);
  for (const { id, amount } of await store.openHolds()) {
    const cost = ended.get(id);
    // What nobody knows the end of stays charged in full.
    if (cost === undefined) expected.set(id, amount);
    else await store.settle(id, cost);
  }
  const bill = new Bill();
  const byId = new Map(arrivals.map((arrival) => [arrival.id, arrival]));
  for (const [id, cost] of sent) {
    bill.add(byId.get(id.slice(0, id.lastIndexOf('.')))!, ended.get(id) ?? cost);
  }
  const [all, warns] = await store.read(['all@total', 'warns@total']);
  const charged = [...expected.values()].reduce((sum, each) => sum + each, 0);
  return {
    calls: sent.size,
    refused,
    overshoot: bill.overshoot,
    passed,
    counted: used!.spent / limits.all,
    billed: bill.share,
    leaked: all!.held / limits.all,
    isExact: all!.spent === charged && warns!.spent === charged,
  };
}
