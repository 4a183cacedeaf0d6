import type { Random } from '../../kernel/random.ts';
import type { FrequencySketch } from './sketch.ts';
import { none } from './slot-lists.ts';
import { probation, shielded, type Slots } from './slots.ts';
import type { WorthScale } from './worth.ts';

export interface Judges {
  readonly sketch: FrequencySketch;
  readonly worths: WorthScale;
  readonly random: Random;
}

/** What an entry asked for once is worth beside one asked for twice. */
const once = 0.1;
/** Counters of the sketch end there: an entry so famous may be more so. */
const fullCount = 15;
/** Entries looked at for one that is then declined. */
const stepsMax = 256;
/** Part of the gain that chance may put at risk. */
const chanceShare = 0.25;
/** Against division by nothing. */
const trifle = 1e-9;
/** Goes over those who would have to make room for another, and says whether the other is worth it. */
export class VictimWalk {
  /** Victims that the last question came to. */
  length = 0;
  readonly #slots: Slots;
  readonly #judges: Judges;
  /** The next of each part. */
  readonly #next = new Int32Array(3);
  #nextByRecency = none;

  constructor(slots: Slots, judges: Judges) {
    this.#slots = slots;
    this.#judges = judges;
  }

  /** Who was used longest ago. */
  oldest(): number {
    return this.#slots.recency.oldest(0);
  }

  /** The first to go of those who are past the window. */
  leastInMain(): number {
    const least = this.#slots.lists.oldest(probation);
    return least === none ? this.#slots.lists.oldest(shielded) : least;
  }

  /**
   * Whether the saving of `candidate` is above that of all together who would go for it, as far as the past tells. By recency, the candidate
   * is taken at its word; else its latest request does not count, since those of the others may be about to come.
   */
  isWorthIt(candidate: number, byRecency: boolean): boolean {
    const { sketch } = this.#judges;
    const slots = this.#slots;
    const count = sketch.count(slots.hash(candidate));
    const worth = this.#worth(candidate);
    const gain = byRecency ? 2 * Math.max(1, count) * worth : count * worth;
    let need = slots.loadOfSlot(candidate);
    let loss = 0;
    this.length = 0;
    this.#restart(byRecency);
    while (need > 0) {
      const victim = byRecency ? this.#oldestNext() : this.#leastNext();
      if (victim === none) return byRecency || loss < gain;
      if (victim === candidate) continue;
      const load = slots.loadOfSlot(victim);
      const margin = this.length++ === 0 ? 1 + once : 0;
      // Of a victim that is larger than needed only a part goes for this candidate; the rest is room for others.
      loss +=
        (sketch.count(slots.hash(victim)) + margin) *
        this.#worth(victim) *
        Math.min(1, need / load);
      need -= load;
      if (loss >= gain && (count < fullCount || this.length >= stepsMax || need <= 0)) break;
    }
    if (loss < gain) return true;
    return (
      this.length > 1 && count >= fullCount && this.#mayComeByChance(gain, loss, candidate, need)
    );
  }

  /**
   * The sketch does not tell how much more famous one at its limit is, so it comes in once in a while: the more often it asks, the
   * sooner. Nothing is too large for ever.
   */
  #mayComeByChance(gain: number, loss: number, candidate: number, need: number): boolean {
    const load = this.#slots.loadOfSlot(candidate);
    const lossOfAll = (loss * load) / Math.max(trifle * load, load - Math.max(0, need));
    return this.#judges.random.next() < chanceShare * (gain / lossOfAll);
  }

  #worth(slot: number): number {
    return this.#judges.worths.relative(this.#slots.worth(slot));
  }

  #restart(byRecency: boolean): void {
    this.#nextByRecency = byRecency ? this.#slots.recency.oldest(0) : none;
    this.#next[probation] = this.#slots.lists.oldest(probation);
    this.#next[shielded] = this.#slots.lists.oldest(shielded);
  }

  #leastNext(): number {
    return this.#take(this.#next[probation] === none ? shielded : probation);
  }

  #oldestNext(): number {
    const slot = this.#nextByRecency;
    if (slot !== none) this.#nextByRecency = this.#slots.recency.newer(slot);
    return slot;
  }

  #take(part: number): number {
    const slot = this.#next[part]!;
    if (slot !== none) this.#next[part] = this.#slots.lists.newer(slot);
    return slot;
  }
}
