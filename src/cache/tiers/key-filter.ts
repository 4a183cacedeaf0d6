/** Bits a half: at a million names, three to a name, one in twenty-nine that were never added passes. */
const bits = 2 ** 23;
const words = bits / 32;
/** Before the two halves: which of them holds, or `unready`. */
const headWords = 1;
const unready = -1;

/**
 * Which names a file may hold (Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970), in memory that two threads
 * share: one adds, the other asks. What it denies was not there when it was asked of last; what it affirms may still be missing. Names are
 * never taken out, so the adder makes the idle half anew from time to time and then changes halves.
 */
export class KeyFilter {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(4 * (headWords + 2 * words));
    this.#words = new Int32Array(this.shared);
    if (shared === undefined) this.#words[0] = unready;
  }

  /** Names that one half is made for. */
  static readonly capacity = 1_000_000;

  /** False only if the name was not added. @param name a whole number below 2^53. */
  mayHave(name: number): boolean {
    const half = Atomics.load(this.#words, 0);
    if (half === unready) return true;
    const base = headWords + half * words;
    for (let probe = 0, at = startOf(name); probe < 3; probe++, at = nextOf(at, name)) {
      if ((this.#words[base + (at >>> 5)]! & (1 << (at & 31))) === 0) return false;
    }
    return true;
  }

  add(name: number): void {
    const half = Atomics.load(this.#words, 0);
    if (half !== unready) this.#addTo(half, name);
  }

  /** Makes the idle half of these names and changes over to it. */
  rebuild(names: Iterable<number>): void {
    const half = Atomics.load(this.#words, 0) === 0 ? 1 : 0;
    this.#words.fill(0, headWords + half * words, headWords + (half + 1) * words);
    for (const name of names) this.#addTo(half, name);
    Atomics.store(this.#words, 0, half);
  }

  #addTo(half: number, name: number): void {
    const base = headWords + half * words;
    for (let probe = 0, at = startOf(name); probe < 3; probe++, at = nextOf(at, name)) {
      this.#words[base + (at >>> 5)]! |= 1 << (at & 31);
    }
  }
}

/** Double hashing (Kirsch and Mitzenmacher, 2006): names are even already, so their two ends serve as two hashes. */
function startOf(name: number): number {
  return (name % 4_294_967_296) & (bits - 1);
}

function nextOf(at: number, name: number): number {
  return (at + (Math.floor(name / 4096) | 1)) & (bits - 1);
}
