/** No slot: the end of a list. */
export const none = -1;

/**
 * Doubly linked lists of slot numbers in one typed array. Slot `s` has its newer neighbour at `2s` and its older at `2s + 1`, so that both
 * come with one line of memory.
 */
export class SlotLists {
  #links = new Int32Array(0);
  readonly #newest: Int32Array;
  readonly #oldest: Int32Array;

  constructor(lists: number) {
    this.#newest = new Int32Array(lists).fill(none);
    this.#oldest = new Int32Array(lists).fill(none);
  }

  get bytes(): number {
    return this.#links.byteLength;
  }

  grow(slots: number): void {
    const links = new Int32Array(2 * slots);
    links.set(this.#links);
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
    return this.#links[2 * slot]!;
  }

  pushNewest(list: number, slot: number): void {
    const second = this.#newest[list]!;
    this.#links[2 * slot] = none;
    this.#links[2 * slot + 1] = second;
    if (second === none) this.#oldest[list] = slot;
    else this.#links[2 * second] = slot;
    this.#newest[list] = slot;
  }

  pushOldest(list: number, slot: number): void {
    const second = this.#oldest[list]!;
    this.#links[2 * slot] = second;
    this.#links[2 * slot + 1] = none;
    if (second === none) this.#newest[list] = slot;
    else this.#links[2 * second + 1] = slot;
    this.#oldest[list] = slot;
  }

  remove(list: number, slot: number): void {
    const newer = this.#links[2 * slot]!;
    const older = this.#links[2 * slot + 1]!;
    if (newer === none) this.#newest[list] = older;
    else this.#links[2 * newer + 1] = older;
    if (older === none) this.#oldest[list] = newer;
    else this.#links[2 * older] = newer;
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
