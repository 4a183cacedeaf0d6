import type { JsonValue } from '../../kernel/json.ts';
import type { ErrorShape, SseEvent } from '../dialect.ts';

/** Anthropic's error families by HTTP status. */
const families: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** An error as Anthropic's API words it; our code and field stand beside its own members. */
export function anthropicErrorBody(shape: ErrorShape): JsonValue {
  const general = shape.status >= 500 ? 'api_error' : 'invalid_request_error';
  return {
    type: 'error',
    error: {
      type: families[shape.status] ?? general,
      message: shape.message,
      code: shape.code,
      ...(shape.param === undefined ? {} : { param: shape.param }),
      ...(shape.details === undefined ? {} : { economizer: shape.details }),
    },
  };
}

export function anthropicErrorEvent(shape: ErrorShape): SseEvent {
  return { event: 'error', data: JSON.stringify(anthropicErrorBody(shape)) };
}
