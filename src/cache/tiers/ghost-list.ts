import { fingerprint } from './fingerprint.ts';

const slotsMax = 65_536;

/**
 * Remembers which keys went lately, in fixed memory (8 bytes a slot, at most half a megabyte): fingerprints in a table where
 * a later key takes the place of an earlier one. A mix-up or a loss costs one wrong guess of the eviction, nothing else.
 */
export class GhostList {
  readonly #mask: number;
  readonly #fingerprints: Uint32Array;
  readonly #times: Uint32Array;
  /** Departures so far: the clock of this list. */
  #departures = 0;

  constructor(maxEntries: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.min(slotsMax, Math.max(16, maxEntries))));
    this.#mask = slots - 1;
    this.#fingerprints = new Uint32Array(slots);
    this.#times = new Uint32Array(slots);
  }

  add(key: string): void {
    const print = fingerprint(key) >>> 0;
    this.#departures++;
    this.#fingerprints[print & this.#mask] = print;
    this.#times[print & this.#mask] = this.#departures;
  }

  /** True if the key was among the last `reach` to go. */
  has(key: string, reach: number): boolean {
    const print = fingerprint(key) >>> 0;
    const slot = print & this.#mask;
    const time = this.#times[slot]!;
    return (
      time !== 0 && this.#fingerprints[slot] === print && (this.#departures - time) >>> 0 < reach
    );
  }

  clear(): void {
    this.#times.fill(0);
  }
}
