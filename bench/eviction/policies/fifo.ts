/** Keys in order of arrival. */
export class Fifo {
  readonly #keys = new Set<number>();
  /** One iterator for all: a new one would walk over what was deleted before. */
  #oldest = this.#keys.values();

  get size(): number {
    return this.#keys.size;
  }

  has(key: number): boolean {
    return this.#keys.has(key);
  }

  /** As newest; must not be in. */
  push(key: number): void {
    this.#keys.add(key);
  }

  delete(key: number): boolean {
    return this.#keys.delete(key);
  }

  shift(): number | undefined {
    let next = this.#oldest.next();
    if (next.done === true) {
      this.#oldest = this.#keys.values();
      next = this.#oldest.next();
    }
    if (next.done === true) return undefined;
    this.#keys.delete(next.value);
    return next.value;
  }
}
