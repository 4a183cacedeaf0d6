import { createMemoryBudgetStore, MemoryBacking } from '../../src/budget/stores/memory.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { limits, planOf, replicas, type PlanSize } from './arrivals.ts';
import { Bill } from './bill.ts';
import { newTally, Replica, type Tally } from './replica.ts';
import type { SimResult } from './result.ts';
import { SimClock } from './sim-clock.ts';
import { checkThenAdd, Counters, shrinkTheHold, type Way } from './ways.ts';

const leaseMs = 30_000;
const heartbeatMs = 3000;
const restartMs = 5000;

/** Gives each replica its way; all of one run share what they count on. */
export type WayMaker = (owner: string, clock: SimClock) => Way;

export const ways: Readonly<Record<string, () => WayMaker>> = {
  'hold, then settle (ours)': () => {
    const backing = new MemoryBacking();
    return (owner, clock) => createMemoryBudgetStore({ clock, owner, leaseMs, backing });
  },
  'check, then add': () => {
    const counters = new Counters();
    return () => checkThenAdd(counters);
  },
  'shrink the hold': () => {
    const counters = new Counters();
    return (_owner, clock) => shrinkTheHold(counters, clock);
  },
};

/** One run of four replicas in this process, by simulated time. */
export function simulate(makeWay: WayMaker, seed: number, size: PlanSize): SimResult {
  const plan = planOf(seed, size);
  const clock = new SimClock();
  const [bill, tally, random] = [new Bill(), newTally(), seededRandom(seed ^ 0x5bd1e995)];
  let owners = 0;
  const start = () => new Replica({ way: makeWay(`owner ${++owners}`, clock), clock, bill, tally });
  const fleet = Array.from({ length: replicas }, start);
  for (const arrival of plan.arrivals) {
    clock.after(arrival.at, () => fleet[arrival.replica]!.arrive(arrival));
  }
  for (const { at, byMs } of plan.jumps) clock.after(at, () => clock.jump(byMs));
  for (const { at, replica } of plan.crashes) {
    clock.after(at, () => {
      const isFirst = !fleet[replica]!.isDead;
      const lost = fleet[replica]!.crash();
      for (const { id, granted, billed } of lost) {
        tally.charged.set(id, granted);
        // For some, what the provider billed is found out later, once by the next process and once more by another.
        if (random.next() < 0.5) continue;
        tally.charged.set(id, billed);
        for (const later of [60_000, 60_001]) {
          clock.after(later, () => void makeWay('auditor', clock).settle(id, billed));
        }
      }
      clock.after(restartMs, () => {
        if (isFirst) fleet[replica] = start();
      });
    });
  }
  const endsAt = (plan.arrivals.at(-1)?.at ?? 0) + 15 * 60_000;
  const beatOn = (): void => {
    for (const replica of fleet) replica.beat();
    if (clock.tick() < endsAt) clock.after(heartbeatMs, beatOn);
  };
  beatOn();
  while (clock.step());
  return resultOf(makeWay('auditor', clock), bill, tally);
}

function resultOf(way: Way, bill: Bill, tally: Tally): SimResult {
  const accounts = way.read(['all@total', 'warns@total']);
  if (accounts instanceof Promise) throw new Error('only for stores that answer at once');
  const [all, warns] = accounts;
  const charged = [...tally.charged.values()].reduce((sum, each) => sum + each, 0);
  return {
    calls: tally.calls,
    refused: tally.refused,
    overshoot: bill.overshoot,
    passed: tally.passed,
    counted: all!.spent / limits.all,
    billed: bill.share,
    leaked: all!.held / limits.all,
    isExact: all!.spent === charged && warns!.spent === charged,
  };
}
