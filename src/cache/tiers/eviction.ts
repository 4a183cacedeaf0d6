/** What a policy needs to know of a kept thing, and where it writes its own notes on it. */
export interface Evictable {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** The policy's own: the queue it is in, its neighbours there, and hits since it came (at most 3). */
  queue: Queue | undefined;
  newer: Evictable | undefined;
  older: Evictable | undefined;
  visits: number;
}

/** Decides who goes when room is short. All acts are O(1), on average for `evict`. */
export interface EvictionPolicy<Item extends Evictable> {
  added(item: Item): void;
  hit(item: Item): void;
  /** The item left for another reason: deleted, replaced, past its time. */
  removed(item: Item): void;
  /** Takes out and returns the item that is missed least; undefined when there is none. */
  evict(): Item | undefined;
  clear(): void;
}

/** Items in order of arrival, as a list through the items themselves. */
export class Queue {
  #newest: Evictable | undefined;
  #oldest: Evictable | undefined;
  bytes = 0;

  push(item: Evictable): void {
    item.queue = this;
    item.newer = undefined;
    item.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
    this.bytes += item.size;
  }

  remove(item: Evictable): void {
    if (item.newer === undefined) this.#newest = item.older;
    else item.newer.older = item.older;
    if (item.older === undefined) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    item.queue = undefined;
    item.newer = undefined;
    item.older = undefined;
    this.bytes -= item.size;
  }

  shift(): Evictable | undefined {
    const item = this.#oldest;
    if (item !== undefined) this.remove(item);
    return item;
  }
}
