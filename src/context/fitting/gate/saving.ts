import { ratesAt, type Economics } from './economics.ts';

/** Where a conversation stands when an edit is considered. Tokens are those of the request as it would leave without the edit. */
export interface Standing {
  readonly economics: Economics;
  /** Input tokens of this request. */
  readonly total: number;
  /** Of these, what the call before sent too. */
  readonly sentBefore: number;
  /** The provider still has in its cache what was sent before. */
  readonly hot: boolean;
  /** Calls that are still expected, this one among them. */
  readonly callsLeft: number;
  /** Tokens by which the request grows from call to call. */
  readonly growth: number;
  /** Output tokens of a call. */
  readonly output: number;
  /** Of the calls to come, the share that finds the cache cold. */
  readonly coldShare: number;
}

/** An edit as the gate sees it. */
export interface Cut {
  /** Tokens before the first changed byte: they stay in the cache. */
  readonly before: number;
  /** Tokens taken out. */
  readonly removed: number;
}

const farthest = 1000;

/**
 * What an edit saves over the calls still expected, in pico-dollars; negative where it costs.
 *
 * Where no price cliff lies in the way this is the rule H > (w - r) T / (r D) of prompt-cache economics, written as a sum: each
 * call saves r D, and once, if the cache is hot, the T tokens behind the first changed byte are written (w) instead of read (r). A cold cache
 * has no such loss and saves w D at once. With cliffs, each call's rates follow from its own length.
 */
export function savingOf(standing: Standing, cut: Cut): number {
  const { total, sentBefore, hot, growth } = standing;
  const kept = Math.min(cut.before, sentBefore);
  let saved =
    callCost(standing, total, hot ? sentBefore : 0) -
    callCost(standing, total - cut.removed, hot ? kept : 0);
  const later = Math.min(Math.floor(standing.callsLeft), farthest) - 1;
  for (let call = 1; call <= later; call++) {
    const length = total + call * growth;
    saved += laterCost(standing, length) - laterCost(standing, length - cut.removed);
  }
  return saved;
}

function callCost({ economics, output }: Standing, total: number, cached: number): number {
  const rates = ratesAt(economics, total);
  return cached * rates.read + (total - cached) * rates.write + output * rates.output;
}

/** A later call finds all but its newest tokens in the cache, unless it comes too late. */
function laterCost(standing: Standing, total: number): number {
  const { growth, coldShare } = standing;
  const hot = callCost(standing, total, total - Math.min(growth, total));
  return coldShare === 0 ? hot : (1 - coldShare) * hot + coldShare * callCost(standing, total, 0);
}
