/** One replica in a process of its own, with a real store; killed by itself where the plan says so. To be started by `processes.ts`. */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import type { BudgetStore } from '../../src/budget/store.ts';
import { costOfPart, linesOf, planOf, type Arrival, type PlanSize } from './arrivals.ts';
import { heartbeatMs, openStore, type StorePlace } from './real-store.ts';
import { SimClock } from './sim-clock.ts';

export interface ReplicaOrder {
  readonly place: StorePlace;
  readonly seed: number;
  readonly size: PlanSize;
  readonly replica: number;
  /** How many processes were this replica before. */
  readonly life: number;
  /** What the provider and the ledger know, a line for each: see `write`. Outlives the process. */
  readonly log: string;
}

const actsAtOnce = 32;

const order = JSON.parse(process.argv[2]!) as ReplicaOrder;
const { seed, size, replica, life } = order;
const plan = planOf(seed, size);
const log = openSync(order.log, 'a');
const handled = readFileSync(order.log, 'utf8').match(/^A .+$/gm)?.length ?? 0;

/** `A id`: arrived. `S id cost`: sent, and this much will be billed if it runs to its end. `E id cost`: ended, and the ledger has it. `R`: refused. `P`: a limit was passed. */
function write(line: string): void {
  writeSync(log, `${line}\n`);
}

let offsetMs = 0;
const jumpingClock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
const clock = new SimClock();
const store = await openStore(order.place, `${replica}.${life}`, jumpingClock);
const acts = new Set<Promise<void>>();

function start(act: Promise<void>): void {
  const done = act.finally(() => acts.delete(done));
  acts.add(done);
}

async function attempt(arrival: Arrival, failed: number): Promise<void> {
  const id = `${arrival.id}.${failed}`;
  const lines = linesOf(arrival);
  const request = { id, amount: arrival.bound, atLeast: arrival.atLeast, lines };
  const verdict = await store.hold(request);
  for (const [index, { spent, held }] of verdict.balances.entries()) {
    if (lines[index]!.hard && spent + held > lines[index]!.limit) write('P');
  }
  if (!verdict.held) return write('R');
  const isFailure = failed < arrival.failures;
  const { failuresBilled, inputCost, leavesAt, durationMs } = arrival;
  const whole = isFailure ? (failuresBilled ? inputCost : 0) : costOfPart(arrival, leavesAt);
  const cost = Math.min(whole, verdict.amount);
  write(`S ${id} ${cost}`);
  if (arrival.isRepeated) await store.hold(request);
  clock.after(isFailure ? 200 : durationMs * leavesAt, () => {
    start(end(arrival, id, cost, isFailure ? failed + 1 : undefined));
  });
}

async function end(arrival: Arrival, id: string, cost: number, next: number | undefined) {
  write(`E ${id} ${cost}`);
  await store.settle(id, cost);
  if (arrival.isRepeated) await store.settle(id, cost);
  if (next !== undefined) await attempt(arrival, next);
}

async function run(store_: BudgetStore): Promise<void> {
  let beatAt = 0;
  for (let steps = 0; clock.step() || acts.size > 0; steps++) {
    if (acts.size >= actsAtOnce || steps % 20 === 0) await turn();
    while (acts.size >= actsAtOnce) await Promise.race(acts);
    if (systemClock.tick() < beatAt) continue;
    beatAt = systemClock.tick() + heartbeatMs;
    await store_.heartbeat();
  }
}

const mine = plan.arrivals.filter((each) => each.replica === replica).slice(handled);
const from = mine[0]?.at ?? 0;
for (const arrival of mine) {
  clock.after(arrival.at - from, () => {
    write(`A ${arrival.id}`);
    start(attempt(arrival, 0));
  });
}
const crashes = plan.crashes.filter((each) => each.replica === replica);
const crash = crashes.sort((one, other) => one.at - other.at)[life];
if (crash !== undefined) {
  clock.after(Math.max(1, crash.at - from), () => process.kill(process.pid, 'SIGKILL'));
}
for (const { at, byMs } of plan.jumps) {
  if (at >= from) clock.after(at - from, () => (offsetMs += byMs));
}
// The timers of the system's clock keep no process alive.
setInterval(() => {}, 1000);
await run(store);
await store.close();
process.exit(0);
