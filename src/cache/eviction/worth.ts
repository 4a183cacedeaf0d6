/** Worths beside the usual one count no less and no more than this. */
const least = 0.01;
const most = 1000;
/** Worths that make up what is usual. */
const remembered = 1000;

/** What is not known, or cannot be. */
export const unknownWorth = Number.NaN;

/**
 * Sets worths in relation to what is usual here, so that dollars, nano-dollars and plain hits are decided on alike. A worth that is not
 * known counts as the usual one.
 */
export class WorthScale {
  #usual = 0;
  #seen = 0;

  /** A worth as it may be kept: finite and not negative, else unknown. */
  noted(worth: number | undefined): number {
    if (worth === undefined || !(worth >= 0) || worth === Infinity) return unknownWorth;
    this.#seen = Math.min(remembered, this.#seen + 1);
    this.#usual += (worth - this.#usual) / this.#seen;
    return worth;
  }

  /** In units of what is usual. */
  relative(worth: number): number {
    if (Number.isNaN(worth) || this.#usual === 0) return 1;
    return Math.min(most, Math.max(least, worth / this.#usual));
  }
}
