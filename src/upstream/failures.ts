import { EconomizerError } from '../kernel/errors.ts';

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'ERR_SSL_WRONG_VERSION_NUMBER',
]);

/** What a failure of the HTTP client means for the call, in words for its caller. */
export function upstreamFailure(cause: unknown, provider: string): EconomizerError {
  if (EconomizerError.is(cause)) return cause;
  const code = codeOf(cause);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new EconomizerError(
      'ECO_CONNECT_TIMEOUT',
      `No connection to the provider "${provider}" in time (limits.connect); try again, or check its base_url.`,
      { cause },
    );
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new EconomizerError(
      'ECO_FIRST_BYTE_TIMEOUT',
      `The provider "${provider}" did not begin to answer in time (limits.first_byte); try again.`,
      { cause },
    );
  }
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    return new EconomizerError(
      'ECO_SILENCE_TIMEOUT',
      `The provider "${provider}" fell silent within its answer (limits.silence); try again.`,
      { cause },
    );
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new EconomizerError(
      'ECO_UPSTREAM_NOT_API',
      `The headers of the answer from the provider "${provider}" are too large; check its base_url.`,
      { cause },
    );
  }
  if (code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED') {
    return new EconomizerError(
      'ECO_STOPPING',
      'Economizer is closed and sends no more calls; make a new one, or start it again.',
      { cause },
    );
  }
  if (unreachable.has(code)) {
    return new EconomizerError(
      'ECO_UPSTREAM_UNREACHABLE',
      `The provider "${provider}" cannot be reached (${code}); check its base_url and its status page.`,
      { cause },
    );
  }
  if (cause instanceof Error && cause.name === 'HTTPParserError') {
    return new EconomizerError(
      'ECO_UPSTREAM_NOT_API',
      `The provider "${provider}" answered something that is not HTTP; check its base_url.`,
      { cause },
    );
  }
  return new EconomizerError(
    'ECO_UPSTREAM_RESET',
    `The provider "${provider}" broke off before its answer was whole; try again.`,
    { cause },
  );
}

function codeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return '';
  if (cause instanceof AggregateError) return codeOf(cause.errors[0]);
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' ? code : '';
}
