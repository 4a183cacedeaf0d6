import { type Limits, loadOf } from './limits.ts';
import { none, SlotLists } from './slot-lists.ts';

/** The parts of a cache, and where a slot is that holds nothing. */
export const window = 0;
export const probation = 1;
export const shielded = 2;
const nowhere = 3;

const slotsAtFirst = 16;

/** Words in a record: two links, then these, and last the bytes as a double. */
const words = 8;
const hashAt = 4;
const worthAt = 5;
/** In doubles. */
const bytesAt = 3;
const doubles = words / 2;

/** What is known of each entry kept, in a typed array by slot number, and which part of the cache it is in. 32 bytes an entry. */
export class Slots {
  limits: Limits;
  readonly lists = new SlotLists(3, words);
  /** All that are in a part, by when they were last used. */
  readonly recency = new SlotLists(1, words, 2);
  /** Of those that LRU would have no more, the one that was used last. */
  #pastLru = none;
  /** Entries and bytes of each part. */
  readonly #entries = new Float64Array(3);
  readonly #bytesIn = new Float64Array(3);
  /** One record a slot, seen as numbers of three kinds. */
  #words = new Int32Array(0);
  #parts = new Uint8Array(0);
  #floats = new Float32Array(0);
  #doubles = new Float64Array(0);
  /** Slots that were used and are free again. */
  #free: number[] = [];
  #unused = 0;

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
    return loadOf(this.limits, 1, this.#doubles[slot * doubles + bytesAt]!);
  }

  entriesIn(part: number): number {
    return this.#entries[part]!;
  }

  isKept(slot: number): boolean {
    return this.#parts[slot]! < nowhere;
  }

  part(slot: number): number {
    return this.#parts[slot]!;
  }

  hash(slot: number): number {
    return this.#words[slot * words + hashAt]!;
  }

  bytesOf(slot: number): number {
    return this.#doubles[slot * doubles + bytesAt]!;
  }

  worth(slot: number): number {
    return this.#floats[slot * words + worthAt]!;
  }

  /** A slot for a new entry, in no part yet. */
  take(hash: number, bytes: number, worth: number): number {
    const slot = this.#free.pop() ?? this.#unused++;
    if (slot * words >= this.#words.length) this.#grow();
    this.#parts[slot] = nowhere;
    this.#words[slot * words + hashAt] = hash;
    this.#doubles[slot * doubles + bytesAt] = bytes;
    this.#floats[slot * words + worthAt] = worth;
    this.recency.pushNewest(0, slot);
    return slot;
  }

  touch(slot: number): void {
    this.#skip(slot);
    this.recency.renew(0, slot);
  }

  /** LRU would have this one no more, nor those used before it. */
  passedByLru(slot: number): void {
    this.#pastLru = slot;
  }

  /** Who goes where we must not leave LRU any further: the last used of those that it would have no more, so that the others stay. */
  get goesByLru(): number {
    return this.#pastLru === none ? this.recency.oldest(0) : this.#pastLru;
  }

  /** For an entry that is in no part. */
  resize(slot: number, bytes: number, worth: number): void {
    this.#doubles[slot * doubles + bytesAt] = bytes;
    this.#floats[slot * words + worthAt] = worth;
  }

  enter(part: number, slot: number, asOldest = false): void {
    this.#parts[slot] = part;
    this.#entries[part]!++;
    this.#bytesIn[part]! += this.#doubles[slot * doubles + bytesAt]!;
    if (asOldest) this.lists.pushOldest(part, slot);
    else this.lists.pushNewest(part, slot);
  }

  leave(slot: number): void {
    const part = this.#parts[slot]!;
    this.lists.remove(part, slot);
    this.#entries[part]!--;
    this.#bytesIn[part]! -= this.#doubles[slot * doubles + bytesAt]!;
    this.#parts[slot] = nowhere;
  }

  /** As the newest of its part. */
  renew(slot: number): void {
    this.lists.renew(this.#parts[slot]!, slot);
  }

  move(slot: number, part: number): void {
    this.leave(slot);
    this.enter(part, slot);
  }

  free(slot: number): void {
    this.#skip(slot);
    this.recency.remove(0, slot);
    this.#free.push(slot);
  }

  clear(): void {
    this.lists.clear();
    this.recency.clear();
    this.#pastLru = none;
    this.#entries.fill(0);
    this.#bytesIn.fill(0);
    for (let slot = 0; slot < this.#unused; slot++) this.#parts[slot] = nowhere;
    this.#free = [];
    this.#unused = 0;
  }

  /** This one is no longer where it was by recency. */
  #skip(slot: number): void {
    if (slot === this.#pastLru) this.#pastLru = this.recency.older(slot);
  }

  #grow(): void {
    const wanted = Math.max(slotsAtFirst, (2 * this.#words.length) / words);
    // One more than may be kept: the newcomer has its slot before another goes.
    const slots = Math.min(wanted, Math.max(slotsAtFirst, this.limits.maxEntries + 1));
    const grown = new Int32Array(slots * words);
    grown.set(this.#words);
    this.#words = grown;
    this.#floats = new Float32Array(grown.buffer);
    this.#doubles = new Float64Array(grown.buffer);
    this.lists.use(grown);
    this.recency.use(grown);
    const parts = new Uint8Array(slots);
    parts.set(this.#parts);
    this.#parts = parts;
  }
}
