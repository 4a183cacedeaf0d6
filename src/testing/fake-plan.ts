import type { DialectName, ErrorShape } from '../exchange/dialect.ts';
import { sseText } from '../exchange/sse.ts';
import { dialects } from '../exchange/wire/index.ts';
import type { JsonValue } from '../kernel/json.ts';
import type { FakeFault } from './fake-fault.ts';

/** How one answer is to go over the wire. */
export interface FakePlan {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly chunks: readonly Buffer[];
  readonly firstByteMs: number;
  /** Between chunks. */
  readonly gapMs: number;
  /** What is added to the true `content-length`. */
  readonly lengthLie: number;
  /** What happens after the last chunk. */
  readonly ending: 'end' | 'reset' | 'silence';
}

/** The plan with what goes wrong. */
export function withFault(
  plan: FakePlan,
  fault: FakeFault,
  dialect: DialectName | undefined,
): FakePlan {
  switch (fault.kind) {
    case 'status':
      return {
        ...plan,
        status: fault.status,
        headers: [
          ...withType(plan.headers, 'application/json'),
          ...Object.entries(fault.headers ?? {}).flat(),
        ],
        chunks: [Buffer.from(JSON.stringify(errorBody(dialect, fault.status)))],
      };
    case 'html':
      return {
        ...plan,
        status: fault.status,
        headers: withType(plan.headers, 'text/html; charset=UTF-8'),
        chunks: [Buffer.from('<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>\n')],
      };
    case 'refuse':
      return { ...plan, chunks: [], ending: 'reset', status: 0 };
    case 'reset':
      return { ...cut(plan, fault.afterChunks), ending: 'reset' };
    case 'silence':
      return { ...cut(plan, fault.afterChunks), ending: 'silence' };
    case 'torn-frame': {
      const torn = plan.chunks[fault.afterChunks];
      const half = torn === undefined ? [] : [torn.subarray(0, torn.length >> 1)];
      return { ...plan, chunks: [...plan.chunks.slice(0, fault.afterChunks), ...half] };
    }
    case 'error-event': {
      const event = sseText(dialects[dialect ?? 'openai-chat'].errorEvent(shapeOf(500)));
      return { ...plan, chunks: [...cut(plan, fault.afterChunks).chunks, Buffer.from(event)] };
    }
    case 'lying-length':
      return { ...plan, lengthLie: fault.by };
    case 'slow':
      return { ...plan, firstByteMs: plan.firstByteMs + fault.ms };
  }
  return fault satisfies never;
}

function cut(plan: FakePlan, afterChunks: number): FakePlan {
  // A plain answer is one chunk; half of it stands for the chunks that come before a fault within it.
  const [only] = plan.chunks;
  if (plan.chunks.length === 1 && afterChunks > 0) {
    return { ...plan, chunks: [only!.subarray(0, only!.length >> 1)] };
  }
  return { ...plan, chunks: plan.chunks.slice(0, afterChunks) };
}

/** Names of the real providers' errors, so that SDKs throw their own classes. */
const errorTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** An error body in the form of the dialect, OpenAI's for unknown paths. */
export function errorBody(
  dialect: DialectName | undefined,
  status: number,
  message?: string,
): JsonValue {
  return dialects[dialect ?? 'openai-chat'].errorBody(shapeOf(status, message));
}

function shapeOf(
  status: number,
  message = `The fake provider was told to fail (${status}).`,
): ErrorShape {
  const type = errorTypes[status] ?? 'api_error';
  return { status, type, code: type, message, param: undefined };
}

/** The headers with another content type. */
function withType(headers: readonly string[], type: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]!.toLowerCase() === 'content-type') continue;
    kept.push(headers[index]!, headers[index + 1]!);
  }
  return [...kept, 'content-type', type];
}
