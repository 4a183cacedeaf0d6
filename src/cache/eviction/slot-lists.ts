/** No slot: the end of a list. */
export const none = -1;

/**
 * Doubly linked lists of slot numbers in one typed array, two links a slot: the slot that came to its list just after, and the one just
 * before. `stride` leaves room between for what else is known of a slot, so that all of it comes with one line of memory; the links are at `at`.
 */
export class SlotLists {
  readonly #stride: number;
  readonly #at: number;
  #links: Int32Array = new Int32Array(0);
  readonly #newest: Int32Array;
  readonly #oldest: Int32Array;

  constructor(lists: number, stride = 2, at = 0) {
    this.#stride = stride;
    this.#at = at;
    this.#newest = new Int32Array(lists).fill(none);
    this.#oldest = new Int32Array(lists).fill(none);
  }

  /** An array of `stride` numbers a slot, of which two are for this; a larger one begins with what was in the one before. */
  use(links: Int32Array): void {
    this.#links = links;
  }

  newest(list: number): number {
    return this.#newest[list]!;
  }

  oldest(list: number): number {
    return this.#oldest[list]!;
  }

  /** The slot that came to its list just after this one. */
  newer(slot: number): number {
    return this.#links[slot * this.#stride + this.#at]!;
  }

  /** The slot that came to its list just before this one. */
  older(slot: number): number {
    return this.#links[slot * this.#stride + this.#at + 1]!;
  }

  pushNewest(list: number, slot: number): void {
    const links = this.#links;
    const second = this.#newest[list]!;
    links[slot * this.#stride + this.#at] = none;
    links[slot * this.#stride + this.#at + 1] = second;
    if (second === none) this.#oldest[list] = slot;
    else links[second * this.#stride + this.#at] = slot;
    this.#newest[list] = slot;
  }

  pushOldest(list: number, slot: number): void {
    const links = this.#links;
    const second = this.#oldest[list]!;
    links[slot * this.#stride + this.#at] = second;
    links[slot * this.#stride + this.#at + 1] = none;
    if (second === none) this.#newest[list] = slot;
    else links[second * this.#stride + this.#at + 1] = slot;
    this.#oldest[list] = slot;
  }

  remove(list: number, slot: number): void {
    const links = this.#links;
    const newer = links[slot * this.#stride + this.#at]!;
    const older = links[slot * this.#stride + this.#at + 1]!;
    if (newer === none) this.#newest[list] = older;
    else links[newer * this.#stride + this.#at + 1] = older;
    if (older === none) this.#oldest[list] = newer;
    else links[older * this.#stride + this.#at] = newer;
  }

  /** `remove` and `pushNewest` in one. */
  renew(list: number, slot: number): void {
    if (this.#newest[list] === slot) return;
    this.remove(list, slot);
    this.pushNewest(list, slot);
  }

  clear(): void {
    this.#newest.fill(none);
    this.#oldest.fill(none);
  }
}
