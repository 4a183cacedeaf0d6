import type { RedisLink, RedisReply } from '../../services/redis.ts';
import { labelsOf } from '../answer-codec.ts';
import { PurgeTable, type Purged } from '../invalidation/purge-table.ts';
import type { TierStats } from '../tier.ts';
import { endOfHead, sealedHeadBytes } from './sealed-value.ts';

interface CensusOptions {
  readonly link: RedisLink;
  /** Of the keys that count, as `SCAN` takes it. */
  readonly pattern: string;
  /** For each of many small steps, in milliseconds: the server is never held up for longer than one. */
  readonly deadlineMs: number;
}

const stepKeys = 1000;
/** A count that would take more steps is reckoned from those. */
const countStepsMax = 20;
/** Keys whose size is asked for; the others are taken to be alike. */
const sizeSampleMax = 100;

/** Removes every key of the pattern that was there when it began, but for those that are `kept`. */
export async function clearRedis(
  options: CensusOptions & { readonly kept: (place: string) => boolean },
): Promise<void> {
  const { link, kept, deadlineMs } = options;
  for await (const { places } of scan(options)) {
    const gone = places.filter((place) => !kept(place));
    await Promise.all(gone.map((place) => link.send(['UNLINK', place], deadlineMs)));
  }
}

/** Heads are smaller than this but for the strangest headers and tags. */
const headBytes = 4096;

/** Goes through all values by their heads: counts those that were purged, and removes what is gone where asked to. */
export async function sweepRedis(
  options: CensusOptions & {
    readonly purges: readonly Purged[];
    readonly remove: boolean;
    readonly keyOf: (place: string) => string;
  },
): Promise<number> {
  const { link, deadlineMs, remove, keyOf } = options;
  const table = new PurgeTable();
  table.merge(options.purges);
  let meant = 0;
  for await (const { places } of scan(options)) {
    const judged = places.map(async (place) => {
      const head = await headOf(place, options);
      const labels = head && labelsOf(head);
      const kind = labels && table.judge({ key: keyOf(place), ...labels }, { shared: true }).kind;
      if (kind !== undefined && kind !== 'kept') meant++;
      if (kind === 'gone' && remove) await link.send(['UNLINK', place], deadlineMs);
    });
    await Promise.all(judged);
  }
  return meant;
}

async function headOf(
  place: string,
  { link, deadlineMs }: CensusOptions,
): Promise<Buffer | undefined> {
  const read = async (bytes: number): Promise<Buffer | undefined> => {
    const value = await link.send(['GETRANGE', place, '0', String(bytes - 1)], deadlineMs);
    return Buffer.isBuffer(value) ? value : undefined;
  };
  const value = await read(headBytes).catch(() => undefined); // a value of another kind is not ours
  const end = value && endOfHead(value);
  if (end === undefined) return undefined;
  return (end > headBytes ? await read(end) : value)?.subarray(sealedHeadBytes, end);
}

/** How many there are and how large; where there are very many, or others' beside ours, as near as a sample tells. */
export async function redisStats(options: CensusOptions): Promise<TierStats> {
  const { link, deadlineMs } = options;
  const [all, info] = await Promise.all([
    link.send(['DBSIZE'], deadlineMs),
    link.send(['INFO', 'stats'], deadlineMs).catch(() => ''),
  ]);
  let ours = 0;
  let seen = 0;
  let isWhole = true;
  const sample: string[] = [];
  for await (const { places, step } of scan(options)) {
    ours += places.length;
    seen += stepKeys;
    sample.push(...places.slice(0, sizeSampleMax - sample.length));
    isWhole = step < countStepsMax;
    if (!isWhole) break;
  }
  const entries = isWhole ? ours : Math.round(Number(all) * Math.min(1, ours / seen));
  const mean = await meanSize(options, sample);
  return { entries, bytes: Math.round(entries * mean), evictions: evictionsIn(info) };
}

async function* scan({
  link,
  pattern,
  deadlineMs,
}: CensusOptions): AsyncGenerator<{ readonly places: readonly string[]; readonly step: number }> {
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
    places.map((place) => link.send(['MEMORY', 'USAGE', place], deadlineMs).catch(() => 0)),
  );
  const known = sizes.map(Number).filter((size) => size > 0);
  return known.length === 0 ? 0 : known.reduce((sum, size) => sum + size, 0) / known.length;
}

/** Keys that the server, or all nodes of a cluster together, had to let go for want of memory; whoever's they were. */
function evictionsIn(info: RedisReply): number {
  let sum = 0;
  for (const [, count] of String(info).matchAll(/evicted_keys:(\d+)/g)) sum += Number(count);
  return sum;
}
