/** Counts the calls under way of agents that are scaled down. Only those that came since are counted. */
export class Crews {
  readonly #limit: number;
  readonly #running = new Map<string, number>();

  /** @param limit calls of one agent at the same time. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns what to call when the call is over, any number of times; undefined where the agent has as many under way as it may. */
  enter(agent: string): (() => void) | undefined {
    const running = this.#running.get(agent) ?? 0;
    if (running >= this.#limit) return undefined;
    this.#running.set(agent, running + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#running.get(agent) ?? 1) - 1;
      if (left === 0) this.#running.delete(agent);
      else this.#running.set(agent, left);
    };
  }
}
