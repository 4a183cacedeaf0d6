import type { Clock } from '../../src/kernel/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** A clock of a simulation: time is the next thing that happens, and its wall time can be set. */
export class SimClock implements Clock {
  readonly #heap: Due[] = [];
  #tick = 0;
  #wall = Date.UTC(2026, 10, 25);
  #order = 0;

  now(): number {
    return this.#wall + this.#tick;
  }

  tick(): number {
    return this.#tick;
  }

  jump(byMs: number): void {
    this.#wall += byMs;
  }

  after(ms: number, task: () => void): () => void {
    let isOff = false;
    this.#push({
      at: this.#tick + Math.max(0, ms),
      order: this.#order++,
      task: () => isOff || task(),
    });
    return () => {
      isOff = true;
    };
  }

  /** Lets happen what is next; false when nothing is. */
  step(): boolean {
    const next = this.#pop();
    if (next === undefined) return false;
    this.#tick = next.at;
    next.task();
    return true;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.push(due) - 1;
    while (index > 0 && isSooner(due, heap[(index - 1) >> 1]!)) {
      heap[index] = heap[(index - 1) >> 1]!;
      index = (index - 1) >> 1;
    }
    heap[index] = due;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isSooner(heap[child + 1]!, heap[child]!)) child++;
      if (!isSooner(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isSooner(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
