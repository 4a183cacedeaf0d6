import type { Clock } from '../../src/kernel/clock.ts';
import { costOfPart, linesOf, type Arrival } from './arrivals.ts';
import type { Bill } from './bill.ts';
import type { Way } from './ways.ts';

/** A call under way: what its hold is, and what the provider will have billed by now. */
interface Running {
  readonly arrival: Arrival;
  readonly id: string;
  readonly granted: number;
  readonly since: number;
  readonly durationMs: number;
}

export interface ReplicaOptions {
  readonly way: Way;
  readonly clock: Clock;
  readonly bill: Bill;
  readonly tally: Tally;
}

export interface Tally {
  calls: number;
  refused: number;
  /** Limits seen passed in a balance of the store. */
  passed: number;
  /** Charges that the store must know of, by hold. */
  readonly charged: Map<string, number>;
}

export function newTally(): Tally {
  return { calls: 0, refused: 0, passed: 0, charged: new Map() };
}

/** A gateway of the simulation: holds, sends, and settles when the answer ends, its caller leaves or the provider fails. */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #running = new Map<string, Running>();
  #isDead = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  arrive(arrival: Arrival): void {
    this.#attempt(arrival, 0);
  }

  beat(): void {
    if (!this.#isDead) void this.#options.way.heartbeat();
  }

  /** Ends it as `kill -9` does. The provider goes on for a while, and bills. @returns the holds that nobody settles. */
  crash(): readonly { readonly id: string; readonly granted: number; readonly billed: number }[] {
    // A replica that is being started anew has nothing more to lose.
    if (this.#isDead) return [];
    this.#isDead = true;
    const now = this.#options.clock.tick();
    return [...this.#running.values()].map((running) => {
      const { id, granted, arrival } = running;
      // Some providers generate to the end for a reader who has gone.
      const part = arrival.isRepeated || arrival.team === 0 ? 1 : partAt(running, now);
      const billed = Math.min(costOfPart(arrival, part), granted);
      this.#options.bill.add(arrival, billed);
      return { id, granted, billed };
    });
  }

  #attempt(arrival: Arrival, failed: number): void {
    if (this.#isDead) return;
    const { way, clock, tally } = this.#options;
    const id = `${arrival.id}.${failed}`;
    const request = {
      id,
      amount: arrival.bound,
      atLeast: arrival.atLeast,
      lines: linesOf(arrival),
    };
    const verdict = way.hold(request);
    if (verdict instanceof Promise) throw new Error('only for stores that answer at once');
    this.#look(verdict.balances, request.lines);
    if (!verdict.held) {
      tally.refused++;
      return;
    }
    if (arrival.isRepeated) void way.hold(request);
    tally.calls++;
    const isFailure = failed < arrival.failures;
    const durationMs = isFailure ? 200 : arrival.durationMs * arrival.leavesAt;
    const running = { arrival, id, granted: verdict.amount, since: clock.tick(), durationMs };
    this.#running.set(id, running);
    clock.after(durationMs, () => this.#end(running, isFailure, failed));
  }

  #end(running: Running, isFailure: boolean, failed: number): void {
    if (this.#isDead) return;
    const { arrival, id, granted } = running;
    const { way, bill, tally } = this.#options;
    this.#running.delete(id);
    const { failuresBilled, inputCost, leavesAt } = arrival;
    const whole = isFailure ? (failuresBilled ? inputCost : 0) : costOfPart(arrival, leavesAt);
    // The cap that was sent upstream is what the hold can bear.
    const cost = Math.min(whole, granted);
    bill.add(arrival, cost);
    tally.charged.set(id, cost);
    void way.settle(id, cost);
    if (arrival.isRepeated) void way.settle(id, cost);
    if (isFailure) this.#attempt(arrival, failed + 1);
  }

  #look(
    balances: readonly { account: string; spent: number; held: number }[],
    lines: ReturnType<typeof linesOf>,
  ): void {
    for (const [index, { spent, held }] of balances.entries()) {
      const { hard, limit } = lines[index]!;
      if (hard && spent + held > limit) this.#options.tally.passed++;
    }
  }
}

function partAt({ since, durationMs }: Running, now: number): number {
  return durationMs === 0 ? 1 : Math.min(1, (now - since) / durationMs);
}
