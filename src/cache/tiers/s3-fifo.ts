import { Queue, type Evictable, type EvictionPolicy } from './eviction.ts';
import { GhostList } from './ghost-list.ts';

const visitsMax = 3;
/** One byte in ten is for newcomers on trial. */
const trialShare = 0.1;

/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023), by bytes. Newcomers
 * stand in a small queue; only who is asked for again there goes on to the main one, so a scan of things that are never asked
 * for twice passes through without harm. Who comes back soon after going is not put on trial again. The main queue gives
 * another round to whoever was hit since the last.
 */
export class S3Fifo<Item extends Evictable> implements EvictionPolicy<Item> {
  readonly #trial = new Queue();
  readonly #main = new Queue();
  readonly #ghosts: GhostList;
  #items = 0;

  constructor(maxEntries: number) {
    this.#ghosts = new GhostList(maxEntries);
  }

  added(item: Item): void {
    this.#items++;
    item.visits = 0;
    (this.#ghosts.has(item.key, this.#items) ? this.#main : this.#trial).push(item);
  }

  hit(item: Item): void {
    if (item.visits < visitsMax) item.visits++;
  }

  removed(item: Item): void {
    if (item.queue === undefined) return;
    item.queue.remove(item);
    this.#items--;
  }

  evict(): Item | undefined {
    const item = this.#evictOnTrial() ?? this.#evictFromMain() ?? this.#trial.shift();
    if (item !== undefined) this.#items--;
    return item as Item | undefined;
  }

  clear(): void {
    for (const queue of [this.#trial, this.#main]) while (queue.shift() !== undefined);
    this.#ghosts.clear();
    this.#items = 0;
  }

  #evictOnTrial(): Evictable | undefined {
    while (this.#trial.bytes > trialShare * (this.#trial.bytes + this.#main.bytes)) {
      const item = this.#trial.shift();
      if (item === undefined) return undefined;
      if (item.visits === 0) {
        this.#ghosts.add(item.key);
        return item;
      }
      item.visits = 0;
      this.#main.push(item);
    }
    return undefined;
  }

  /** Ends: each round takes a visit off an item, and there are at most three on each. */
  #evictFromMain(): Evictable | undefined {
    for (let item = this.#main.shift(); item !== undefined; item = this.#main.shift()) {
      if (item.visits === 0) return item;
      item.visits--;
      this.#main.push(item);
    }
    return undefined;
  }
}
