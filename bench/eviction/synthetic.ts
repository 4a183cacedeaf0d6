import { mixed } from '../../src/cache/eviction/hash.ts';
import type { Weights } from './cells.ts';
import { seededRandom, type Random } from '../../src/kernel/random.ts';

/** Made-up requests: each family stresses policies in another way. Keys are whole numbers. */
export type Family = (length: number, random: Random) => Uint32Array;

/** Keys never met before, for families that need them. */
const freshFrom = 2 ** 30;

function requests(length: number, next: (at: number) => number): Uint32Array {
  return Uint32Array.from({ length }, (_, at) => next(at));
}

/** Draws 0, 1, 2 ... with probability falling as a power of the rank. */
function zipf(keys: number, exponent: number, random: Random): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  return () => {
    const wanted = random.next() * sum;
    let low = 0;
    for (let high = keys - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Every key comes `uses` times, at distances around `distance`, and then never again. */
function recent(uses: number, distance: number): Family {
  return (length, random) => {
    const due = new Map<number, number>();
    let key = 0;
    return requests(length, (at) => {
      const planned = due.get(at);
      if (planned !== undefined) {
        due.delete(at);
        return planned;
      }
      let later = at;
      for (let use = 1; use < uses; use++) {
        later += 1 + Math.floor(2 * distance * random.next());
        while (due.has(later)) later++;
        due.set(later, key);
      }
      return key++;
    });
  };
}

/** Sessions that send all their blocks again each turn, and some more: what prefix caches of model servers see. */
function prefixBlocks(sessions: number, blocksATurn: number, turns: number): Family {
  return (length, random) => {
    const out = new Uint32Array(length);
    const active: { first: number; turn: number; system: number }[] = [];
    let fresh = freshFrom;
    let at = 0;
    const start = () => ({
      first: (fresh += blocksATurn * (turns + 1)),
      turn: 0,
      system: Math.floor(5 * random.next()),
    });
    for (let index = 0; index < sessions; index++) active.push(start());
    while (at < length) {
      const index = Math.floor(random.next() ** 2 * sessions);
      const session = active[index]!;
      session.turn++;
      for (let block = 0; block < 8 && at < length; block++) out[at++] = session.system * 8 + block;
      const blocks = session.turn * blocksATurn;
      for (let block = 0; block < blocks && at < length; block++) out[at++] = session.first + block;
      if (session.turn >= turns || random.next() < 0.2) active[index] = start();
    }
    return out;
  };
}

const loop =
  (size: number): Family =>
  (length) =>
    requests(length, (at) => at % size);

const zipfian =
  (keys: number, exponent: number): Family =>
  (length, random) =>
    requests(length, zipf(keys, exponent, random));

/** Which keys are popular changes every `period` requests. */
const shifting =
  (keys: number, exponent: number, period: number): Family =>
  (length, random) => {
    const draw = zipf(keys, exponent, random);
    return requests(length, (at) => (draw() + Math.floor(at / period) * (keys >> 3)) % (8 * keys));
  };

/** Popular keys, and again and again a run over `size` keys that are not. */
const withScans =
  (keys: number, size: number, isFresh: boolean): Family =>
  (length, random) => {
    const draw = zipf(keys, 0.9, random);
    let scanned = 0;
    return requests(length, (at) => {
      if (Math.floor(at / size) % 3 !== 2) return draw();
      return freshFrom + (isFresh ? scanned++ : at % size);
    });
  };

/** Half of the requests are for keys that come once. */
const withOneTimers =
  (keys: number): Family =>
  (length, random) => {
    const draw = zipf(keys, 0.9, random);
    return requests(length, (at) => (random.next() < 0.5 ? draw() : freshFrom + at));
  };

/** A crowd around a point that moves. */
const drifting =
  (width: number, speed: number): Family =>
  (length, random) =>
    requests(length, (at) => {
      const offset = (random.next() + random.next() + random.next() - 1.5) * width;
      return Math.floor(10 * width + at * speed + offset);
    });

/** One family after the other, `period` requests each, in turn. */
const phases =
  (period: number, ...families: Family[]): Family =>
  (length, random) => {
    const all = families.map((family) => family(length, random));
    return requests(length, (at) => {
      const which = Math.floor(at / period) % all.length;
      return ((all[which]![at]! % 2 ** 29) + which * 2 ** 29) >>> 0;
    });
  };

const mixedWith =
  (first: Family, second: Family): Family =>
  (length, random) => {
    const [one, other] = [first(length, random), second(length, random)];
    return requests(length, (at) =>
      random.next() < 0.5 ? one[at]! % 2 ** 29 : 2 ** 29 + (other[at]! % 2 ** 29),
    );
  };

/** The families, with sizes in proportion to `scale`, which is about a cache's capacity. */
export function familiesFor(scale: number): Record<string, Family> {
  const of = (share: number) => Math.max(2, Math.round(share * scale));
  return {
    'zipf 0.7': zipfian(of(10), 0.7),
    'zipf 1.0': zipfian(of(20), 1),
    'zipf 1.2': zipfian(of(50), 1.2),
    uniform: zipfian(of(4), 0),
    'loop of 1.05': loop(of(1.05)),
    'loop of 3': loop(of(3)),
    'loop of 0.9': loop(of(0.9)),
    'recent, 2 uses, near': recent(2, of(0.3)),
    'recent, 2 uses, far': recent(2, of(0.9)),
    'recent, 3 uses': recent(3, of(0.5)),
    'shifting slowly': shifting(of(4), 1, of(50)),
    'shifting fast': shifting(of(4), 0.9, of(3)),
    'drifting slowly': drifting(of(1), 0.02),
    drifting: drifting(of(0.8), 0.3),
    'drifting wide': drifting(of(3), 0.2),
    'scans of fresh keys': withScans(of(2), of(2), true),
    'scans of the same keys': withScans(of(2), of(2), false),
    'one-timers': withOneTimers(of(5)),
    'prefix blocks': prefixBlocks(of(0.05), 4, 12),
    'prefix blocks, long': prefixBlocks(of(0.02), 10, 20),
    'loop, then recent': phases(of(10), loop(of(2)), recent(2, of(0.5))),
    'zipf, then recent': phases(of(20), zipfian(of(10), 1), recent(2, of(0.5))),
    'loop among recent': mixedWith(loop(of(1.5)), recent(2, of(0.3))),
    'zipf among recent': mixedWith(zipfian(of(10), 0.9), recent(2, of(0.3))),
    'zipf, drifting, loop': phases(
      of(15),
      zipfian(of(5), 0.9),
      drifting(of(0.8), 0.3),
      loop(of(1.5)),
    ),
  };
}

export function made(family: Family, length: number, seed = 1): Uint32Array {
  return family(length, seededRandom(seed));
}

/** Sizes spread over four powers of ten around 1000; a hit is a hit, or saves more the larger the entry is, with much chance in it. */
export function weightsOf(isBySize: boolean): Weights {
  const drawn = (key: number, salt: number) => (mixed(key, salt) >>> 0) / 2 ** 32;
  const normal = (key: number, salt: number) =>
    Math.sqrt(-2 * Math.log(drawn(key, salt) + 1e-9)) *
    Math.cos(2 * Math.PI * drawn(key, salt + 1));
  const bytes = (key: number) => Math.ceil(500 * Math.exp(1.5 * normal(key, 1)));
  return { bytes, worth: (key) => (isBySize ? bytes(key) ** 0.7 * Math.exp(normal(key, 3)) : 1) };
}
