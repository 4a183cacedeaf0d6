import type { Random } from '../../kernel/random.ts';
import type { FrequencySketch } from './sketch.ts';
import { none } from './slot-lists.ts';
import { probation, shielded, Slots, window } from './slots.ts';
import type { Limits } from './limits.ts';
import { VictimWalk } from './victim-walk.ts';
import type { WorthScale } from './worth.ts';

export interface ResidentsOptions {
  readonly limits: Limits;
  readonly sketch: FrequencySketch;
  readonly worths: WorthScale;
  readonly random: Random;
  /** Told of each entry that goes to make room for another, before its slot is used again. */
  readonly evicted: (slot: number) => void;
  /** Whether a cache that had this window always would keep the key with this hash; undefined if nobody knows. */
  readonly wouldKeep?: (hash: number) => boolean | undefined;
  /** Whether the key with this hash should not go, since plain LRU would keep it and we have given up enough of that. */
  readonly isTooDear?: (hash: number) => boolean;
}

/** A window of the whole cache: who was used longest ago goes, whatever its fame (LRU). */
export const wholeCache = 1;

/** The part of the long-term entries that is shielded: those that were asked for again there. */
const shieldedShare = 0.8;
/** Entries that a window grown too large gives to the rest with each eviction. */
const handedOver = 8;
/** An entry of so many times the usual load is large: it must show that it is worth all that would go for it. */
const largeTimes = 4;
/** An entry whose worth for its load is so many times the usual is dense. */
const denseTimes = 1.1;
/** Dense entries that step back for one eviction. */
const passedMost = 4;
/** Entries that step back for one admission, since a cache that had this window always would keep them. */
const passedForModel = 16;
/** Against rounding. */
const trifle = 1e-9;

/**
 * Which entries a cache keeps: newcomers in a window by recency, the rest by how often they are asked for and what that saves. Who leaves
 * the window stays only if it is worth more than those who would have to go for it. That is W-TinyLFU (Einziger, Friedman, Manes, "TinyLFU: A
 * Highly Efficient Cache Admission Policy", 2017), by load and worth; the size of the window, as a share of all, is another's decision.
 */
export class Residents {
  /** Share of the load that is for newcomers; `wholeCache` at most. May change at any time. */
  windowShare: number;
  readonly slots: Slots;
  readonly #options: ResidentsOptions;
  readonly #walk: VictimWalk;
  /** Comes in just now; if it is the one to go, whoever asked learns that from the answer. */
  #incoming = none;

  constructor(options: ResidentsOptions, windowShare: number) {
    this.#options = options;
    this.windowShare = windowShare;
    this.slots = new Slots(options.limits);
    this.#walk = new VictimWalk(this.slots, options);
  }

  /** The entry is asked for. */
  hit(slot: number): void {
    const { slots } = this;
    const part = slots.part(slot);
    slots.touch(slot);
    if (this.windowShare >= wholeCache && part !== window) slots.move(slot, window);
    else if (part === probation) this.#shield(slot);
    else slots.renew(slot);
  }

  /** Takes a newcomer in and evicts what must go for it; `none` if it is not worth that, or larger than all that may be kept. */
  add(hash: number, bytes: number, worth: number): number {
    const { maxBytes, maxEntries } = this.slots.limits;
    if (bytes > maxBytes || maxEntries < 1) return none;
    const slot = this.slots.take(hash, bytes, worth);
    this.#place(window, slot);
    return this.slots.isKept(slot) ? slot : none;
  }

  /** The entry has another size and worth now. False if it is not worth its room any more: then it is gone. */
  replace(slot: number, bytes: number, worth: number): boolean {
    const { slots } = this;
    if (bytes > slots.limits.maxBytes) {
      this.remove(slot);
      return false;
    }
    const part = slots.part(slot);
    slots.leave(slot);
    slots.resize(slot, bytes, worth);
    this.#place(this.#isLarge(slot) ? window : part, slot);
    return slots.isKept(slot);
  }

  limit(limits: Limits): void {
    this.slots.limits = limits;
    while (this.slots.isOver) this.#makeRoom();
  }

  /** The entry goes for a reason of its own. */
  remove(slot: number): void {
    this.slots.leave(slot);
    this.slots.free(slot);
  }

  #place(part: number, slot: number): void {
    const { slots } = this;
    const isLarge = this.#isLarge(slot);
    slots.touch(slot);
    this.#incoming = slot;
    // A large newcomer is decided on at once; it would push all others out of the window.
    const isFirst =
      isLarge &&
      this.windowShare < wholeCache &&
      slots.loadOfSlot(slot) > this.windowShare * slots.load;
    slots.enter(part, slot, isFirst);
    if (
      isLarge &&
      this.windowShare >= wholeCache &&
      slots.isOver &&
      !this.#walk.isWorthIt(slot, true)
    )
      this.#evict(slot);
    while (slots.isOver) this.#makeRoom();
    this.#incoming = none;
  }

  #isLarge(slot: number): boolean {
    const { slots } = this;
    return slots.loadOfSlot(slot) * slots.entries > largeTimes * slots.load;
  }

  #shield(slot: number): void {
    const { slots } = this;
    slots.move(slot, shielded);
    for (;;) {
      const load = slots.loadOfPart(shielded);
      if (load <= shieldedShare * (load + slots.loadOfPart(probation))) return;
      if (slots.entriesIn(shielded) <= 1) return;
      slots.move(slots.lists.oldest(shielded), probation);
    }
  }

  #makeRoom(): void {
    if (this.windowShare >= wholeCache) {
      this.#evict(this.#walk.oldest());
      return;
    }
    this.#handOver();
    const candidate = this.slots.lists.oldest(window);
    this.#passDense();
    const victim = this.#walk.leastInMain();
    if (victim === none) this.#giveUp(candidate);
    else if (!this.#isWindowOver(candidate)) this.#giveUp(victim);
    else if (this.#isWelcome(candidate)) this.#admit(candidate, this.#walk.length);
    else this.#giveUp(candidate);
  }

  /** The entry goes; where that might leave us too far behind LRU, one that LRU would not have either. */
  #giveUp(slot: number): void {
    const { slots } = this;
    if (this.#options.isTooDear?.(slots.hash(slot)) !== true) return this.#evict(slot);
    this.#evict(slots.goesByLru);
    if (!slots.isKept(slot)) return;
    if (slots.part(slot) === window && this.#isWindowOver(slot)) slots.move(slot, probation);
  }

  /** First to go should be who saves least for its room, so the few that come first and are known to save more than most step back. */
  #passDense(): void {
    const { slots } = this;
    for (let passed = 0; passed < passedMost; passed++) {
      const first = slots.lists.oldest(probation);
      if (first === none || !this.#isDense(first)) return;
      if (this.#options.sketch.count(slots.hash(first)) === 0) return;
      slots.renew(first);
    }
  }

  /** Where a model of this window is there to follow, it decides: after another window it would take long to get where it is by contest. */
  #isWelcome(candidate: number): boolean {
    const { slots } = this;
    const wouldKeep = (slot: number) => this.#options.wouldKeep?.(slots.hash(slot));
    const isKept = wouldKeep(candidate);
    if (isKept === false) return false;
    for (let left = isKept === true ? passedForModel : 0; left > 0; left--) {
      const first = this.#walk.leastInMain();
      if (wouldKeep(first) !== true) {
        // It comes in whatever the contest says, which only counts who goes for it.
        this.#walk.isWorthIt(candidate, false);
        return true;
      }
      slots.renew(first);
    }
    return this.#walk.isWorthIt(candidate, false);
  }

  #isDense(slot: number): boolean {
    const { slots } = this;
    const worth = this.#options.worths.relative(slots.worth(slot));
    return worth * slots.load > denseTimes * slots.loadOfSlot(slot) * slots.entries;
  }

  #admit(candidate: number, victims: number): void {
    for (let gone = 0; gone < victims && this.slots.isOver; gone++) {
      const least = this.#walk.leastInMain();
      if (least !== none) this.#giveUp(least);
    }
    if (this.slots.isKept(candidate)) this.slots.move(candidate, probation);
  }

  /** After the window was made smaller, its oldest move over without a contest, as far as the rest has room. */
  #handOver(): void {
    const { slots } = this;
    for (let moved = 0; moved < handedOver; moved++) {
      let oldest = slots.lists.oldest(window);
      // A large newcomer must win its contest.
      if (oldest === this.#incoming && this.#isLarge(oldest)) oldest = slots.lists.newer(oldest);
      if (oldest === none || !this.#isWindowOver(oldest)) return;
      const load = slots.loadOfSlot(oldest);
      const rest = slots.load - load - this.#windowRoom(load);
      const main = slots.loadOfPart(probation) + slots.loadOfPart(shielded);
      if (main + load > rest + trifle) return;
      slots.move(oldest, probation);
    }
  }

  #isWindowOver(candidate: number): boolean {
    if (candidate === none) return false;
    const load = this.slots.loadOfSlot(candidate);
    return this.slots.loadOfPart(window) > this.#windowRoom(load) + trifle;
  }

  /** Room of the window, in whole entries of this load and at least one, when the one of them that is too many is gone. */
  #windowRoom(load: number): number {
    const kept = this.slots.load - load;
    const room = Math.floor((this.windowShare * kept) / load + trifle);
    // One that is large has no right to a window that is too small for it.
    return room === 0 && load * this.slots.entries <= largeTimes * this.slots.load
      ? load
      : room * load;
  }

  #evict(slot: number): void {
    this.slots.leave(slot);
    if (slot !== this.#incoming) this.#options.evicted(slot);
    this.slots.free(slot);
  }
}
