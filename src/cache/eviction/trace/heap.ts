/** A binary heap of numbers, largest first. */
export class Heap {
  #values = new Float64Array(1024);
  #size = 0;

  push(value: number): void {
    if (this.#size === this.#values.length) {
      const values = new Float64Array(2 * this.#size);
      values.set(this.#values);
      this.#values = values;
    }
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#values[parent]! >= value) break;
      this.#values[at] = this.#values[parent]!;
      at = parent;
    }
    this.#values[at] = value;
  }

  /** The largest, taken out. There must be one. */
  pop(): number {
    const values = this.#values;
    const largest = values[0]!;
    const last = values[--this.#size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && values[child + 1]! > values[child]!) child++;
      if (values[child]! <= last) break;
      values[at] = values[child]!;
      at = child;
    }
    values[at] = last;
    return largest;
  }
}
