import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seededRandom } from '../../src/kernel/random.ts';
import { caches, type Keyed } from './keyed.ts';

const entries = 100_000;
const acts = 1_000_000;
const rounds = 7;

/** Keys like those of the cache: 43 letters of a hash. */
function keysFor(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    createHash('sha256').update(`${index}`).digest('base64url'),
  );
}

/** Nanoseconds of CPU for each of `count` acts: time on the clock would count other processes in. */
function nanoseconds(count: number, act: (index: number) => void): number {
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) act(index);
  const { user, system } = process.cpuUsage(before);
  return (1000 * (user + system)) / count;
}

/** Nanoseconds an act, medians of rounds that take turns: filling, hits (few keys get most), and sets of keys of which two thirds are new. */
export function measureSpeed(): object[] {
  const keys = keysFor(3 * entries);
  const random = seededRandom(1);
  const asked = Array.from({ length: acts }, () => keys[Math.floor(entries * random.next() ** 3)]!);
  const put = Array.from({ length: acts }, () => keys[Math.floor(keys.length * random.next())]!);
  const taken = Object.keys(caches).map((cache): Taken => ({ cache, fill: [], get: [], set: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const times of taken) measureRound(caches[times.cache]!(entries), times, keys, asked, put);
  }
  return taken.map(({ cache, fill, get, set }) => ({
    cache,
    entries,
    fill: median(fill),
    get: median(get),
    set: median(set),
  }));
}

interface Taken {
  readonly cache: string;
  readonly fill: number[];
  readonly get: number[];
  readonly set: number[];
}

function measureRound(
  cache: Keyed,
  { fill, get, set }: Taken,
  keys: readonly string[],
  asked: readonly string[],
  put: readonly string[],
): void {
  const value = {};
  fill.push(nanoseconds(entries, (index) => cache.set(keys[index]!, value)));
  get.push(nanoseconds(acts, (index) => cache.get(asked[index]!)));
  set.push(nanoseconds(acts, (index) => cache.set(put[index]!, value)));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return Math.round(sorted[sorted.length >> 1]!);
}

/** Bytes of heap and of array buffers an entry, beside key and value, which are there before; after as many evictions again. */
export function measureMemory(): object[] {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  // The room of buffers is given back beside the collector, and counted with its next runs.
  const collect = () => {
    for (let time = 0; time < 4; time++) gc();
  };
  const keys = keysFor(2 * entries);
  const value = {};
  return Object.entries(caches).map(([name, create]) => {
    collect();
    const before = process.memoryUsage();
    const cache = create(entries);
    for (const key of keys) cache.set(key, value);
    collect();
    const after = process.memoryUsage();
    const bytes = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
    cache.get(keys[0]!);
    return { cache: name, entries, bytes_an_entry: Math.round(bytes / entries) };
  });
}
