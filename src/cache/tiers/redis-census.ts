import type { RedisLink, RedisReply } from '../../services/redis.ts';
import { labelsOf } from '../answer-codec.ts';
import { PurgeTable, type Purged } from '../invalidation/purge-table.ts';
import type { TierStats } from '../tier.ts';
import { bearersOf, keyAt, kindAt, placeOf, placesPattern, type PlaceKind } from './redis-place.ts';
import { savedBy } from './redis-scripts.ts';
import { endOfHead, sealedHeadBytes } from './sealed-value.ts';

interface CensusOptions {
  readonly link: RedisLink;
  /** What all keys of this house begin with. */
  readonly prefix: string;
  /** For each of many small steps, in milliseconds: the server is never held up for longer than one. */
  readonly deadlineMs: number;
}

const kinds: readonly PlaceKind[] = ['c', 'b', 'm', 'r'];
const allKinds = kinds.join('');
const stepKeys = 1000;
/** A count that would take more steps is reckoned from those. */
const countStepsMax = 20;
/** Keys of each kind whose size is asked for; the others are taken to be alike. */
const sizeSampleMax = 100;
/** Bodies that are asked what they save; so are the others taken. */
const bodySampleMax = 1000;

/** Removes every entry that was there when it began, but for those that are `kept`, and all bodies. */
export async function clearRedis(
  options: CensusOptions & { readonly kept: (key: string) => boolean },
): Promise<void> {
  const { link, prefix, kept, deadlineMs } = options;
  for await (const { places } of scan(options, allKinds)) {
    const gone = places.filter(
      (place) => kindAt(prefix, place) !== 'c' || !kept(keyAt(prefix, place)),
    );
    await Promise.all(gone.map((place) => link.send(['UNLINK', place], deadlineMs)));
  }
}

/** Heads are smaller than this but for the strangest headers and tags. */
const headBytes = 4096;

/** Goes through all entries by their heads: counts those that were purged, and hands over what is gone, as much of the value as was read. */
export async function sweepRedis(
  options: CensusOptions & {
    readonly purges: readonly Purged[];
    readonly gone?: (key: string, value: Buffer) => Promise<unknown>;
  },
): Promise<number> {
  const { prefix, gone } = options;
  const table = new PurgeTable();
  table.merge(options.purges);
  let meant = 0;
  for await (const { places } of scan(options, 'c')) {
    const judged = places.map(async (place) => {
      const key = keyAt(prefix, place);
      const found = await headOf(key, options);
      const labels = found && labelsOf(found.head);
      const kind = labels && table.judge({ key, ...labels }, { shared: true }).kind;
      if (kind !== undefined && kind !== 'kept') meant++;
      if (kind === 'gone') await gone?.(key, found!.value);
    });
    await Promise.all(judged);
  }
  return meant;
}

async function headOf(
  key: string,
  { link, prefix, deadlineMs }: CensusOptions,
): Promise<{ readonly head: Buffer; readonly value: Buffer } | undefined> {
  const read = async (bytes: number): Promise<Buffer | undefined> => {
    const words = ['GETRANGE', placeOf(prefix, key), '0', String(bytes - 1)];
    const value = await link.send(words, deadlineMs);
    return Buffer.isBuffer(value) ? value : undefined;
  };
  let value = await read(headBytes).catch(() => undefined); // a value of another kind is not ours
  const end = value && endOfHead(value);
  if (end === undefined) return undefined;
  if (end > headBytes) value = await read(end);
  return value && { head: value.subarray(sealedHeadBytes, end), value };
}

/** How many there are and how large; where there are very many, or others' beside ours, as near as a sample tells. */
export async function redisStats(options: CensusOptions): Promise<TierStats> {
  const { link, deadlineMs } = options;
  const [all, info] = await Promise.all([
    link.send(['DBSIZE'], deadlineMs),
    link.send(['INFO', 'stats'], deadlineMs).catch(() => ''),
  ]);
  const { counts, samples, seen } = await count(options);
  const scale = seen === undefined ? 1 : Math.max(1, Number(all) / seen);
  const total = (kind: PlaceKind, each: number): number => counts[kind] * scale * each;
  let bytes = 0;
  for (const kind of kinds) bytes += total(kind, await meanSize(options, samples[kind]));
  const saved = total('b', await meanSaved(options, samples.b));
  return {
    entries: Math.round(total('c', 1)),
    bytes: Math.round(bytes),
    evictions: evictionsIn(info),
    sharedBytesSaved: Math.round(saved),
  };
}

/** Keys by their kind. `seen`: after how many of all keys it ended; undefined: it saw all. */
async function count(options: CensusOptions) {
  const counts = { c: 0, b: 0, m: 0, r: 0 };
  const samples = { c: [] as string[], b: [] as string[], m: [] as string[], r: [] as string[] };
  for await (const { places, step } of scan(options, allKinds)) {
    for (const place of places) {
      const kind = kindAt(options.prefix, place);
      counts[kind]++;
      if (samples[kind].length < bodySampleMax) samples[kind].push(place);
    }
    if (step === countStepsMax) return { counts, samples, seen: step * stepKeys };
  }
  return { counts, samples, seen: undefined };
}

async function* scan(
  { link, prefix, deadlineMs }: CensusOptions,
  of: string,
): AsyncGenerator<{ readonly places: readonly string[]; readonly step: number }> {
  const pattern = placesPattern(prefix, of);
  let cursor = '0';
  for (let step = 1; ; step++) {
    const words = ['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(stepKeys)];
    const [next, found] = (await link.send(words, deadlineMs)) as [RedisReply, RedisReply[]];
    yield { places: found.map(String), step };
    cursor = String(next);
    if (cursor === '0') return;
  }
}

async function meanSize(
  { link, deadlineMs }: CensusOptions,
  places: readonly string[],
): Promise<number> {
  const sizes = await Promise.all(
    places
      .slice(0, sizeSampleMax)
      .map((place) => link.send(['MEMORY', 'USAGE', place], deadlineMs).catch(() => 0)),
  );
  return mean(sizes.map(Number).filter((size) => size > 0));
}

async function meanSaved(
  { link, prefix, deadlineMs }: CensusOptions,
  bodies: readonly string[],
): Promise<number> {
  const saved = await Promise.all(
    bodies.map((body) =>
      link.script(savedBy, [body, bearersOf(prefix, body)], [], deadlineMs).catch(() => 0),
    ),
  );
  return mean(saved.map(Number));
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, each) => sum + each, 0) / values.length;
}

/** Keys that the server, or all nodes of a cluster together, had to let go for want of memory; whoever's they were. */
function evictionsIn(info: RedisReply): number {
  let sum = 0;
  for (const [, count] of String(info).matchAll(/evicted_keys:(\d+)/g)) sum += Number(count);
  return sum;
}
