import type { EdgeAnswer } from '../../cache/edge/origin.ts';
import type { KeepTerms } from '../../exchange/reply.ts';

/** More of a field than this some caches cut off, and with it the names behind. */
const fieldBytesMax = 4096;

/**
 * The fields by which a shared cache keeps an answer and lets go of it: `CDN-Cache-Control` (RFC 9213) and `Surrogate-Control` for its time, `Surrogate-Key`
 * (Varnish, Fastly) and `Cache-Tag` (Cloudflare) for its names. Browsers and other caches keep nothing. There is no `Age`: what is
 * given is made anew, and the time it says is the time that is left.
 */
export function freshnessFields(
  answer: Pick<EdgeAnswer, 'freshMs' | 'staleMs' | 'surrogateKeys'>,
): Record<string, string> {
  const stale = Math.floor(answer.staleMs / 1000);
  const grace = stale === 0 ? '' : `, stale-while-revalidate=${stale}, stale-if-error=${stale}`;
  return fields(`max-age=${secondsLeft(answer.freshMs)}${grace}`, answer.surrogateKeys);
}

/**
 * The same for an answer to `QUERY`. `public` lets shared caches keep an answer though its request showed who asks (RFC 9111 section 3.5); past its time only
 * a gateway may say whether it still serves, and what a new one may cost (`must-revalidate`).
 * @param ageSeconds what the field `Age` says: a lifetime counts from there.
 */
export function queryFreshness(terms: KeepTerms, ageSeconds: number): Record<string, string> {
  const lifetime = secondsLeft(terms.freshMs) + ageSeconds;
  return fields(`public, max-age=${lifetime}, must-revalidate`, terms.surrogateKeys);
}

/** For answers that no cache may keep. */
export const keptNowhere: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cdn-cache-control': 'no-store',
  'surrogate-control': 'no-store',
};

/** Rounded down: an edge must not keep what a gateway would call stale. */
function secondsLeft(ms: number): number {
  return Math.floor(ms / 1000);
}

function fields(lifetime: string, surrogateKeys: readonly string[]): Record<string, string> {
  const names = fitting(surrogateKeys);
  return {
    'cache-control': 'no-store',
    'cdn-cache-control': lifetime,
    'surrogate-control': lifetime,
    'surrogate-key': names.join(' '),
    'cache-tag': names.join(','),
  };
}

function fitting(names: readonly string[]): readonly string[] {
  let bytes = 0;
  return names.filter((name) => (bytes += name.length + 1) <= fieldBytesMax);
}
