import { type Limits, loadOf } from './limits.ts';
import { SlotLists } from './slot-lists.ts';

/** The parts of a cache, and where a slot is that holds nothing. */
export const window = 0;
export const probation = 1;
export const shielded = 2;
const nowhere = 3;

const slotsAtFirst = 16;

/** What is known of each entry kept, in typed arrays by slot number, and which part of the cache it is in. Some 35 bytes an entry. */
export class Slots {
  limits: Limits;
  readonly lists = new SlotLists(3);
  /** Entries and bytes of each part. */
  readonly #entries = new Float64Array(3);
  readonly #bytesIn = new Float64Array(3);
  #part = new Uint8Array(0);
  #hash = new Int32Array(0);
  #bytes = new Float64Array(0);
  #worth = new Float32Array(0);
  #stamp = new Uint32Array(0);
  /** Slots that were used and are free again. */
  #free: number[] = [];
  #unused = 0;
  #time = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  get entries(): number {
    return this.#entries[window]! + this.#entries[probation]! + this.#entries[shielded]!;
  }

  get bytes(): number {
    return this.#bytesIn[window]! + this.#bytesIn[probation]! + this.#bytesIn[shielded]!;
  }

  /** Slots ever used: all numbers are below. */
  get used(): number {
    return this.#unused;
  }

  get isOver(): boolean {
    return this.entries > this.limits.maxEntries || this.bytes > this.limits.maxBytes;
  }

  get load(): number {
    return loadOf(this.limits, this.entries, this.bytes);
  }

  loadOfPart(part: number): number {
    return loadOf(this.limits, this.#entries[part]!, this.#bytesIn[part]!);
  }

  loadOfSlot(slot: number): number {
    return loadOf(this.limits, 1, this.#bytes[slot]!);
  }

  entriesIn(part: number): number {
    return this.#entries[part]!;
  }

  isKept(slot: number): boolean {
    return this.#part[slot]! < nowhere;
  }

  part(slot: number): number {
    return this.#part[slot]!;
  }

  hash(slot: number): number {
    return this.#hash[slot]!;
  }

  bytesOf(slot: number): number {
    return this.#bytes[slot]!;
  }

  worth(slot: number): number {
    return this.#worth[slot]!;
  }

  /** True if `slot` was used longer ago than `other`; right for the last two thousand million uses. */
  isOlder(slot: number, other: number): boolean {
    return ((this.#stamp[slot]! - this.#stamp[other]!) | 0) < 0;
  }

  /** A slot for a new entry, in no part yet. */
  take(hash: number, bytes: number, worth: number): number {
    const slot = this.#free.pop() ?? this.#unused++;
    if (slot >= this.#part.length) this.#grow();
    this.#part[slot] = nowhere;
    this.#hash[slot] = hash;
    this.#bytes[slot] = bytes;
    this.#worth[slot] = worth;
    return slot;
  }

  touch(slot: number): void {
    this.#stamp[slot] = ++this.#time;
  }

  /** For an entry that is in no part. */
  resize(slot: number, bytes: number, worth: number): void {
    this.#bytes[slot] = bytes;
    this.#worth[slot] = worth;
  }

  enter(part: number, slot: number, asOldest = false): void {
    this.#part[slot] = part;
    this.#entries[part]!++;
    this.#bytesIn[part]! += this.#bytes[slot]!;
    if (asOldest) this.lists.pushOldest(part, slot);
    else this.lists.pushNewest(part, slot);
  }

  leave(slot: number): void {
    const part = this.#part[slot]!;
    this.lists.remove(part, slot);
    this.#entries[part]!--;
    this.#bytesIn[part]! -= this.#bytes[slot]!;
    this.#part[slot] = nowhere;
  }

  /** As the newest of its part. */
  renew(slot: number): void {
    this.lists.renew(this.#part[slot]!, slot);
  }

  move(slot: number, part: number): void {
    this.leave(slot);
    this.enter(part, slot);
  }

  free(slot: number): void {
    this.#free.push(slot);
  }

  clear(): void {
    this.lists.clear();
    this.#entries.fill(0);
    this.#bytesIn.fill(0);
    this.#part.fill(nowhere);
    this.#free = [];
    this.#unused = 0;
  }

  #grow(): void {
    const wanted = Math.max(slotsAtFirst, 2 * this.#part.length);
    // One more than may be kept: the newcomer has its slot before another goes.
    const slots = Math.min(wanted, Math.max(slotsAtFirst, this.limits.maxEntries + 1));
    this.lists.grow(slots);
    this.#part = copied(new Uint8Array(slots), this.#part);
    this.#hash = copied(new Int32Array(slots), this.#hash);
    this.#bytes = copied(new Float64Array(slots), this.#bytes);
    this.#worth = copied(new Float32Array(slots), this.#worth);
    this.#stamp = copied(new Uint32Array(slots), this.#stamp);
  }
}

function copied<Values extends { set(from: ArrayLike<number>): void }>(
  to: Values,
  from: ArrayLike<number>,
): Values {
  to.set(from);
  return to;
}
