import { mixed } from './hash.ts';

/** Counters go to 15; a word has eight. A block is sixteen words, one line of the processor's cache. */
const wordsInBlock = 16;
const countersInBlock = wordsInBlock * 8;
/** One word in which every counter is at its lowest bit, for halving eight at once. */
const halves = 0x7777_7777;
/** Sightings an entry between two halvings. */
const sightingsPerEntry = 10;

/**
 * How often each key was met lately, in about eight bytes an entry: a count-min sketch of four-bit counters (Cormode and Muthukrishnan 2005),
 * all four counters of a key in one block, and all halved from time to time so that old fame fades (Einziger, Friedman, Manes: "TinyLFU",
 * 2017). Counts may be too high where keys share counters, never too low but for the halving. `seed` keeps anyone from making
 * keys that share them on purpose.
 */
export class FrequencySketch {
  readonly #seed: number;
  #entries = 1;
  #words = new Uint32Array(wordsInBlock);
  #blockMask = 0;
  #sightings = 0;

  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Fits the sketch to this many entries, if they are more than ever. What was counted stays: each block is copied to where its keys may be now. */
  fit(entries: number): void {
    if (entries <= this.#entries) return;
    this.#entries = entries;
    const blocks = blocksFor(entries);
    if (blocks <= this.#blockMask + 1) return;
    const former = this.#words;
    this.#words = new Uint32Array(blocks * wordsInBlock);
    for (let at = 0; at < this.#words.length; at += former.length) this.#words.set(former, at);
    this.#blockMask = blocks - 1;
  }

  /** Sightings of the key with this hash, at most 15. */
  count(hash: number): number {
    const words = this.#words;
    const block = mixed(hash, this.#seed);
    const base = (block & this.#blockMask) * wordsInBlock;
    const places = mixed(block, hash);
    return Math.min(
      counterAt(words, base, places & 31),
      counterAt(words, base, 32 + ((places >>> 8) & 31)),
      counterAt(words, base, 64 + ((places >>> 16) & 31)),
      counterAt(words, base, 96 + (places >>> 27)),
    );
  }

  /** Counts one sighting: only the lowest of its counters go up, since the others are too high already (Estan and Varghese 2002). */
  add(hash: number): void {
    const words = this.#words;
    const block = mixed(hash, this.#seed);
    const base = (block & this.#blockMask) * wordsInBlock;
    const places = mixed(block, hash);
    const first = places & 31;
    const second = 32 + ((places >>> 8) & 31);
    const third = 64 + ((places >>> 16) & 31);
    const fourth = 96 + (places >>> 27);
    const least = Math.min(
      counterAt(words, base, first),
      counterAt(words, base, second),
      counterAt(words, base, third),
      counterAt(words, base, fourth),
    );
    if (least === 15) return;
    raise(words, base, first, least);
    raise(words, base, second, least);
    raise(words, base, third, least);
    raise(words, base, fourth, least);
    if (++this.#sightings >= sightingsPerEntry * this.#entries) this.#halve();
  }

  clear(): void {
    this.#words.fill(0);
    this.#sightings = 0;
  }

  #halve(): void {
    const words = this.#words;
    for (let at = 0; at < words.length; at++) words[at] = (words[at]! >>> 1) & halves;
    this.#sightings >>>= 1;
  }
}

/** A power of two, so that a key's block is found by a mask: sixteen counters an entry. */
function blocksFor(entries: number): number {
  const wanted = Math.max(1, (entries * 32) / countersInBlock);
  return 2 ** Math.ceil(Math.log2(wanted));
}

function counterAt(words: Uint32Array, base: number, place: number): number {
  return (words[base + (place >>> 3)]! >>> ((place & 7) << 2)) & 15;
}

function raise(words: Uint32Array, base: number, place: number, from: number): void {
  const at = base + (place >>> 3);
  const shift = (place & 7) << 2;
  if (((words[at]! >>> shift) & 15) === from) words[at] = words[at]! + (1 << shift);
}
