import type { JsonValue } from '../../kernel/json.ts';
import type { ErrorShape, SseEvent } from '../dialect.ts';

/** An error as OpenAI's API words it. */
export function openAiErrorBody(shape: ErrorShape): JsonValue {
  return {
    error: {
      message: shape.message,
      type: shape.type,
      param: shape.param ?? null,
      code: shape.code,
      ...(shape.details === undefined ? {} : { economizer: shape.details }),
    },
  };
}

/** The same within a stream of chunks: OpenAI's SDKs throw on any event that holds an `error`. */
export function openAiErrorEvent(shape: ErrorShape): SseEvent {
  return { event: undefined, data: JSON.stringify(openAiErrorBody(shape)) };
}
