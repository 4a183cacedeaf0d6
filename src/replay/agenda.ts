interface Entry<Item> {
  readonly at: number;
  readonly order: number;
  readonly item: Item;
}

/** What is to happen when: the earliest first, and of equal times the one entered first. A binary heap. */
export class Agenda<Item> {
  readonly #heap: Entry<Item>[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The time of the earliest item. */
  nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  add(at: number, item: Item): void {
    const entry = { at, order: this.#order++, item };
    let hole = this.#heap.length;
    this.#heap.push(entry);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!sooner(entry, this.#heap[parent]!)) break;
      this.#heap[hole] = this.#heap[parent]!;
      hole = parent;
    }
    this.#heap[hole] = entry;
  }

  /** Takes the earliest item out. */
  take(): { readonly at: number; readonly item: Item } | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#heap.length) break;
      if (child + 1 < this.#heap.length && sooner(this.#heap[child + 1]!, this.#heap[child]!)) {
        child++;
      }
      if (!sooner(this.#heap[child]!, last)) break;
      this.#heap[hole] = this.#heap[child]!;
      hole = child;
    }
    this.#heap[hole] = last;
    return first;
  }
}

function sooner<Item>(one: Entry<Item>, other: Entry<Item>): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
