import type { Dialect, ErrorShape, SseEvent } from '../exchange/dialect.ts';
import type { ErrorKind } from '../kernel/error-codes.ts';
import type { EconomizerError } from '../kernel/errors.ts';
import type { JsonValue } from '../kernel/json.ts';

/** The only place where a kind of error becomes an HTTP status and an API error type. */
const answers: Record<ErrorKind, { readonly status: number; readonly type: string }> = {
  invalid: { status: 400, type: 'invalid_request_error' },
  unauthorised: { status: 401, type: 'authentication_error' },
  forbidden: { status: 403, type: 'permission_error' },
  quota: { status: 429, type: 'insufficient_quota' },
  service: { status: 503, type: 'api_error' },
  missing: { status: 404, type: 'not_found_error' },
  'too-large': { status: 413, type: 'request_too_large' },
  'media-type': { status: 415, type: 'invalid_request_error' },
  unsupported: { status: 501, type: 'invalid_request_error' },
  unstored: { status: 504, type: 'not_stored_error' }, // RFC 9111 section 5.2.1.7 names this status
  upstream: { status: 502, type: 'api_error' },
  timeout: { status: 504, type: 'timeout_error' },
  cancelled: { status: 499, type: 'cancelled_error' },
  stopping: { status: 503, type: 'overloaded_error' },
  broken: { status: 500, type: 'api_error' },
  config: { status: 500, type: 'api_error' },
};

export function errorShape(error: EconomizerError): ErrorShape {
  const { status, type } = answers[error.kind];
  const { code, message, param, details } = error;
  // Clients know OpenAI's own code for it and stop asking; ours stands beside it.
  const isQuota = error.kind === 'quota';
  const told = isQuota || details !== undefined ? { details: { code, ...details } } : {};
  return { status, type, code: isQuota ? type : code, message, param, ...told };
}

/** The error's body in the caller's dialect; in OpenAI's where the path has none. */
export function errorBody(error: EconomizerError, dialect: Dialect): JsonValue {
  return dialect.errorBody(errorShape(error));
}

export function errorEvent(error: EconomizerError, dialect: Dialect): SseEvent {
  return dialect.errorEvent(errorShape(error));
}

const worthRetrying: ReadonlySet<ErrorKind> = new Set(['upstream', 'stopping', 'service']);

/** False where asking again at once cannot help; both vendors' SDKs heed the header that says so. */
export function isWorthRetrying(error: EconomizerError): boolean {
  return worthRetrying.has(error.kind) || error.code === 'ECO_CONNECT_TIMEOUT';
}
