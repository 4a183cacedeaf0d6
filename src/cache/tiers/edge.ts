import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { EdgeHttp } from '../edge/http.ts';
import type { EdgeNames } from '../edge/names.ts';
import { edgePlace, Sealers } from '../edge/origin.ts';
import { shareOf } from '../edge/public.ts';
import type { SecretInUse } from '../shared-secret.ts';
import type { CacheTier, TierStats } from '../tier.ts';
import { sealedHeadBytes } from './sealed-value.ts';

export interface EdgeTierOptions {
  /** What the ids of answers are put behind, with a slash at its end. */
  readonly url: string;
  readonly http: Pick<EdgeHttp, 'request'>;
  readonly names: EdgeNames;
  readonly secret: SecretInUse;
  readonly maxEntryBytes: number;
  /** For one lookup, in milliseconds. */
  readonly lookupMs: number;
  /** True while the edge could not be told of a purge: it is not asked then. */
  readonly isBehind: () => boolean;
  readonly clock: Clock;
  readonly signals: Signals;
}

export const edgeTierName = 'l4';
const part = `cache.${edgeTierName}`;
/** What a value has beside its body at most: seal and head. */
const headBytesMax = sealedHeadBytes + 64 * 1024;
const nothing: TierStats = { entries: 0, bytes: 0, evictions: 0 };

/**
 * The tier at the edge, `l4`: a shared HTTP cache that fetches public answers from a gateway by itself, so nothing is set here. What it gives was sealed by
 * a gateway with our secret, or it is a miss and a signal. Purges reach it by its `PurgeTarget`.
 */
export function createEdgeTier(options: EdgeTierOptions): CacheTier {
  const sealers = new Sealers();
  return {
    name: edgeTierName,
    shared: true,
    patience: { lookupMs: options.lookupMs, storeMs: options.lookupMs },
    async get(key) {
      if (options.isBehind()) return undefined;
      const body = await fetched(key, options);
      if (body === undefined) return undefined;
      const sealer = sealers.of(options.secret.current);
      const entry = await sealer.open(edgePlace(key), key, body, options.maxEntryBytes);
      if (typeof entry === 'string') return dropped(key, entry, options);
      if (shareOf(entry) === undefined) return dropped(key, 'not public', options);
      return entry.staleUntil > options.clock.now() ? entry : undefined;
    },
    set() {},
    delete: () => false,
    clear() {},
    stats: () => nothing,
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

async function fetched(
  key: string,
  { url, http, names, lookupMs, maxEntryBytes }: EdgeTierOptions,
): Promise<Buffer | undefined> {
  const { status, body } = await http.request({
    method: 'GET',
    url: url + names.idOf(key),
    headers: { accept: edgeMediaType },
    timeoutMs: lookupMs,
    bytesMax: maxEntryBytes + headBytesMax,
  });
  if (status === 200) return body;
  if (status === 404) return undefined;
  throw new EconomizerError(
    'ECO_EDGE',
    `The edge answered with status ${status} in place of a stored answer; see that edge.url leads to a gateway by way of it.`,
  );
}

/** A stored answer with its seal, as the edge keeps it. */
export const edgeMediaType = 'application/vnd.economizer.answer';

function dropped(key: string, flaw: string, { signals }: EdgeTierOptions): undefined {
  const error = new EconomizerError(
    'ECO_CACHE_VALUE',
    `What the edge gave for the key ${key} is ${flaw}; it was passed over.`,
  );
  signals.emit('part-failed', { part, operation: 'get', error });
  return undefined;
}
