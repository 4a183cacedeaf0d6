interface Asked {
  /** Done within an act; again in the next one if that is undone. */
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  value: unknown;
}

/** In one act at most: others want to write, too, and calls to be read. What is beyond goes with the next turn. */
const mostAtOnce = 200;

/**
 * Gathers what is asked in one turn of the event loop and does it in one act at its end, in the order in which it was asked: to begin and to commit
 * costs more than all that calls do in between. Where the file is locked, what is asked meanwhile joins.
 */
export class ActOfTurn {
  /** All of `work` or nothing, as `BudgetFile.act`. */
  readonly #act: (work: () => void) => void | Promise<void>;
  #waiting: Asked[] = [];
  /** How many of those that wait the present act has done. */
  #done = 0;
  #isComing = false;

  constructor(act: (work: () => void) => void | Promise<void>) {
    this.#act = act;
  }

  /** Resolves with what `work` returned, when that stands; rejects where the act could not be. */
  add<Value>(work: () => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        work,
        resolve: resolve as (value: unknown) => void,
        reject,
        value: undefined,
      });
      if (this.#isComing) return;
      this.#isComing = true;
      setImmediate(() => void this.#come());
    });
  }

  async #come(): Promise<void> {
    try {
      const acting = this.#act(() => this.#work());
      if (acting !== undefined) await acting;
      for (const { resolve, value } of this.#taken(this.#done)) resolve(value);
    } catch (error) {
      // Those that came while it was tried, too: the file was out of reach for so long.
      for (const { reject } of this.#taken(this.#waiting.length)) reject(error);
    }
    this.#isComing = this.#waiting.length > 0;
    if (this.#isComing) setImmediate(() => void this.#come());
  }

  #work(): void {
    this.#done = Math.min(this.#waiting.length, mostAtOnce);
    for (let index = 0; index < this.#done; index++) {
      const asked = this.#waiting[index]!;
      asked.value = asked.work();
    }
  }

  #taken(count: number): readonly Asked[] {
    const taken = this.#waiting;
    this.#waiting = taken.slice(count);
    return count === taken.length ? taken : taken.slice(0, count);
  }
}
