import type { Clock } from './clock.ts';

interface Appointment {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/**
 * A clock that stands still until told to move: an hour of traffic passes in seconds, and a test of a
 * time to live needs no sleep. Appointments fire in the order of their time, then of their making.
 */
export class SimulatedClock implements Clock {
  #now: number;
  #order = 0;
  readonly #start: number;
  readonly #appointments: Appointment[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
    this.#start = startMs;
  }

  now(): number {
    return this.#now;
  }

  tick(): number {
    return this.#now - this.#start;
  }

  after(ms: number, task: () => void): () => void {
    const appointment = { at: this.#now + Math.max(0, ms), order: this.#order++, task };
    this.#appointments.push(appointment);
    return () => {
      const index = this.#appointments.indexOf(appointment);
      if (index >= 0) this.#appointments.splice(index, 1);
    };
  }

  /** Moves time forward by `ms`, firing on the way whatever falls due. */
  advance(ms: number): void {
    this.advanceTo(this.#now + ms);
  }

  /** Moves time to `at` (never backwards), firing on the way whatever falls due. */
  advanceTo(at: number): void {
    for (let due = this.#next(); due !== undefined && due.at <= at; due = this.#next()) {
      this.#appointments.splice(this.#appointments.indexOf(due), 1);
      this.#now = Math.max(this.#now, due.at);
      due.task();
    }
    this.#now = Math.max(this.#now, at);
  }

  /** The time of the next appointment, or undefined when nothing is due. */
  nextAt(): number | undefined {
    return this.#next()?.at;
  }

  #next(): Appointment | undefined {
    let first: Appointment | undefined;
    for (const each of this.#appointments) {
      const sooner =
        first === undefined ||
        each.at < first.at ||
        (each.at === first.at && each.order < first.order);
      if (sooner) first = each;
    }
    return first;
  }
}
