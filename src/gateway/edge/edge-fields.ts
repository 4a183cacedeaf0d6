import type { EdgeAnswer } from '../../cache/edge/origin.ts';

/** More of a field than this some caches cut off, and with it the names behind. */
const fieldBytesMax = 4096;

/**
 * The fields by which a shared cache keeps an answer and lets go of it: `CDN-Cache-Control` (RFC 9213) and `Surrogate-Control` for its time, `Surrogate-Key`
 * (Varnish, Fastly) and `Cache-Tag` (Cloudflare) for its names. Browsers and other caches keep nothing. There is no `Age`: what is
 * given is made anew, and the time it says is the time that is left.
 */
export function freshnessFields(
  answer: Pick<EdgeAnswer, 'freshMs' | 'staleMs' | 'surrogateKeys'>,
  ageSeconds = 0,
): Record<string, string> {
  // Rounded down: an edge must not keep what a gateway would call stale.
  const fresh = Math.floor(answer.freshMs / 1000) + ageSeconds;
  const stale = Math.floor(answer.staleMs / 1000);
  const grace = stale === 0 ? '' : `, stale-while-revalidate=${stale}, stale-if-error=${stale}`;
  const lifetime = `max-age=${fresh}${grace}`;
  const names = fitting(answer.surrogateKeys);
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
