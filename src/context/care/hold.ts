import type { Odds } from '../habits.ts';
import type { CacheTerms } from '../terms.ts';

/** For how long a prefix is asked to be kept: not at all, the usual time, the longer one. */
export type Hold = 'none' | 'short' | 'long';

/** Further calls that are reckoned with at most. */
const furthestCalls = 50;
/** What the dearer write must save beside the cheaper one. */
const margin = 0.97;

/**
 * The cheapest way to hold a token, by break-even. With H further calls expected, of which a share q comes within the short time, and
 * multipliers w, W and r of short writes, long writes and reads (input is 1), a token costs beyond this call's input: nothing held
 * H; held shortly (w - 1) + H (q r + (1 - q) w); held long (W - 1) + H r.
 */
export function bestHold(terms: CacheTerms, odds: Odds): Hold {
  const { fresh, read, write, writeLong } = terms.rates;
  if (terms.mode === 'none' || fresh <= 0 || read >= fresh) return 'none';
  const hasLong = terms.mode === 'explicit' && terms.ttlLongMs !== undefined;
  const long = Math.max(odds.short, hasLong ? odds.long : odds.short);
  const calls = Math.min(furthestCalls, long / Math.max(1e-9, 1 - long));
  const soon = long === 0 ? 0 : odds.short / long;
  const none = calls * fresh;
  const short = write - fresh + calls * (soon * read + (1 - soon) * write);
  const longer = hasLong ? writeLong - fresh + calls * read : Infinity;
  if (longer < margin * Math.min(none, short)) return 'long';
  return short < none ? 'short' : 'none';
}
