import { fieldOf } from '../exchange/reply.ts';
import { EconomizerError } from '../kernel/errors.ts';

/** What questions to models are written in, as a list of media ranges (RFC 10008 section 3). */
export const acceptQuery = 'application/json';

/**
 * A question may not be guessed at: its type must be there, and one that is taken (RFC 10008 section 2).
 * @throws EconomizerError `ECO_MEDIA_TYPE`.
 */
export function checkMediaType(rawHeaders: readonly string[]): void {
  if (/^\s*application\/json\s*(?:;|$)/i.test(fieldOf(rawHeaders, 'content-type') ?? '')) return;
  throw new EconomizerError(
    'ECO_MEDIA_TYPE',
    `A QUERY must say what its body is, and models are asked in JSON here: send Content-Type: ${acceptQuery}.`,
  );
}
