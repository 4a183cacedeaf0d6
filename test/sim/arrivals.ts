import { seededRandom, type Random } from '../../src/kernel/random.ts';
import type { AccountLine } from '../../src/budget/store.ts';

/** One call that somebody wants to make. Money in nano-dollars, times in milliseconds. */
export interface Arrival {
  readonly id: string;
  /** Since the beginning. */
  readonly at: number;
  readonly team: number;
  readonly agent: number;
  /** Which replica the balancer gives it to. */
  readonly replica: number;
  /** What the attempt can cost at most, and what it will cost if it is let go to its end. */
  readonly bound: number;
  readonly cost: number;
  /** Billed before the first token. */
  readonly inputCost: number;
  readonly durationMs: number;
  /** Its caller agrees to a lower cap on output where less is left: down to this. */
  readonly atLeast: number | undefined;
  /** The caller leaves after this part of the stream; 1: never. */
  readonly leavesAt: number;
  /** The provider fails so many times before it answers; it may bill the input all the same. */
  readonly failures: number;
  readonly failuresBilled: boolean;
  /** The gateway asks or settles twice, as after an answer that was lost. */
  readonly isRepeated: boolean;
}

/** A part of one simulated run that is decided beforehand. */
export interface Plan {
  readonly arrivals: readonly Arrival[];
  /** Replica `replica` is killed at `at` and another takes its place a little later. */
  readonly crashes: readonly { readonly at: number; readonly replica: number }[];
  /** The wall clock is set, forwards or back. */
  readonly jumps: readonly { readonly at: number; readonly byMs: number }[];
}

export const replicas = 4;
const teams = 4;
const agents = 20;
/** In the rush; those who come after it use what calls of the rush give back when they end. */
const perSecond = 50;
const partInRush = 0.9;
const perSecondAfter = 5;

/** Dollars a million tokens, as nano-dollars a token. */
const inputRate = 4000;
const outputRate = 20_000;
/** Sent upstream where the caller sets no cap. */
const modelMaximum = 8192;

const dollar = 1e9;
export const limits = { all: 100 * dollar, team: 40 * dollar, agent: 8 * dollar } as const;

export interface PlanSize {
  readonly calls: number;
  readonly crashes: number;
}

/** What every run has unless said otherwise. */
export const wholePlan: PlanSize = { calls: 20_000, crashes: 4 };

/** Calls at 50 a second, and a tenth of them more slowly after that, against a budget for a third; 40 % of the callers set no cap. */
export function planOf(seed: number, { calls, crashes }: PlanSize): Plan {
  const random = seededRandom(seed);
  const arrivals = Array.from({ length: calls }, (_, index) => {
    return arrivalOf(seed, index, timeOf(index + random.next(), calls), random);
  });
  const lastsMs = timeOf(calls * partInRush, calls);
  return {
    arrivals,
    crashes: Array.from({ length: crashes }, () => ({
      at: between(random, 0.02, 0.5) * lastsMs,
      replica: Math.floor(random.next() * replicas),
    })),
    jumps: Array.from({ length: 4 }, () => ({
      at: random.next() * lastsMs,
      byMs: Math.round((random.next() - 0.5) * 4 * 3_600_000),
    })),
  };
}

function timeOf(index: number, calls: number): number {
  const rush = Math.min(index, calls * partInRush);
  return (rush / perSecond + (index - rush) / perSecondAfter) * 1000;
}

function arrivalOf(seed: number, index: number, at: number, random: Random): Arrival {
  const input = Math.ceil(logNormal(random, 1500, 0.8));
  const wanted = Math.ceil(logNormal(random, 350, 1));
  const isUncapped = random.next() < 0.4;
  const cap = isUncapped ? modelMaximum : Math.ceil(wanted * between(random, 0.8, 4));
  const output = Math.min(wanted, cap);
  // The bound of the input is a bit above what the provider will count.
  const inputBound = Math.ceil(input * between(random, 1, 1.3)) * inputRate;
  const agent = Math.floor(random.next() ** 2 * agents);
  return {
    id: `${seed}-${index}`,
    at,
    team: agent % teams,
    agent,
    replica: Math.floor(random.next() * replicas),
    bound: inputBound + cap * outputRate,
    cost: input * inputRate + output * outputRate,
    inputCost: input * inputRate,
    durationMs: 300 + output * between(random, 8, 25),
    atLeast: random.next() < 0.2 ? inputBound + 16 * outputRate : undefined,
    leavesAt: random.next() < 0.05 ? random.next() : 1,
    failures: random.next() < 0.03 ? 1 + Math.floor(random.next() * 2) : 0,
    failuresBilled: random.next() < 0.3,
    isRepeated: random.next() < 0.03,
  };
}

/** What the call draws on: three limits that it must not pass and one that only warns. */
export function linesOf({ team, agent }: Arrival): readonly AccountLine[] {
  const never = { endsAt: undefined };
  return [
    { account: 'all@total', limit: limits.all, hard: true, ...never },
    { account: `team/${team}@total`, limit: limits.team, hard: true, ...never },
    { account: `agent/${agent}@total`, limit: limits.agent, hard: true, ...never },
    { account: 'warns@total', limit: limits.all / 2, hard: false, ...never },
  ];
}

/** What the provider bills for a part of the answer, from 0 to 1. */
export function costOfPart({ inputCost, cost }: Arrival, part: number): number {
  return inputCost + Math.floor((cost - inputCost) * part);
}

function between(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low);
}

/** By Box and Muller. */
function logNormal(random: Random, median: number, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random.next()));
}
