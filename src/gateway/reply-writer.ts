import type { ServerResponse } from 'node:http';
import type { Call } from '../exchange/call.ts';
import type { Dialect } from '../exchange/dialect.ts';
import { isEventStream } from '../exchange/media-type.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import { frameEnd, sseText } from '../exchange/sse.ts';
import type { ByteSink, ByteStream, Bytes } from '../exchange/stream.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { parseJson } from '../kernel/json.ts';
import { errorHeaders } from './error-headers.ts';
import { errorBody, errorEvent, errorShape } from './error-map.ts';
import { replyHeaders } from './reply-headers.ts';

/** A torn frame is held back until it is whole, but no more of it than this. */
const heldBytes = 1024 * 1024;

/** Sends an answer: in one write where it is whole, else as it comes. */
export function writeReply(
  response: ServerResponse,
  call: Call,
  reply: Reply,
  options: { readonly nowTick: number; readonly fallback: Dialect },
): void {
  if (response.destroyed) {
    if (!isWhole(reply.body)) reply.body.cancel(callerLeft());
    return;
  }
  response.writeHead(reply.status, replyHeaders(call, reply, options.nowTick));
  if (isWhole(reply.body)) {
    response.end(reply.body);
    return;
  }
  const isEvents = isEventStream(reply.headers);
  const isCoded = fieldOf(reply.headers, 'content-encoding') !== undefined;
  const dialect = call.dialect ?? options.fallback;
  const sink = isEvents && !isCoded ? new EventSink(response, dialect) : new PlainSink(response);
  response.on('drain', () => (reply.body as ByteStream).resume());
  reply.body.open(sink);
  // Where no byte came with the head, the head goes alone: a client may wait for it.
  if (!sink.hasWritten) response.flushHeaders();
}

/** Sends an error in the dialect's own shape. */
export function writeError(
  response: ServerResponse,
  error: EconomizerError,
  options: { readonly dialect: Dialect; readonly call: Call },
): void {
  if (response.destroyed || response.headersSent) return;
  const body = Buffer.from(JSON.stringify(errorBody(error, options.dialect)));
  const headers = ['content-type', 'application/json', 'content-length', String(body.length)];
  headers.push(...errorHeaders(options.call, error));
  // Whoever sends too much, or too slowly for its own deadline, is not read to the end; of others the rest is read and dropped.
  const isCut = error.kind === 'too-large' || error.kind === 'timeout';
  if (isCut && !response.req.complete) headers.push('connection', 'close');
  response.writeHead(errorShape(error).status, headers);
  response.end(body);
}

/** Bytes as they come. A failure breaks the connection: a client must not take a part for the whole. */
class PlainSink implements ByteSink {
  hasWritten = false;
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  write(chunk: Bytes): boolean {
    this.hasWritten = true;
    return this.#response.write(chunk);
  }

  end(): void {
    this.#response.end();
  }

  fail(): void {
    this.#response.destroy();
  }
}

/** Where events are written: a response, or what stands for one. */
export interface EventOutput {
  readonly destroyed: boolean;
  write(chunk: Bytes): boolean;
  end(chunk?: Bytes | string): void;
}

/** Event streams, passed on at frame borders, so that a failure can be told in an event of the dialect's own behind whole frames. */
export class EventSink implements ByteSink {
  hasWritten = false;
  readonly #response: EventOutput;
  readonly #dialect: Dialect;
  #held: Buffer | undefined;

  constructor(response: EventOutput, dialect: Dialect) {
    this.#response = response;
    this.#dialect = dialect;
  }

  write(chunk: Bytes): boolean {
    let bytes = chunk;
    if (this.#held !== undefined) {
      bytes = Buffer.concat([this.#held, chunk]);
      this.#held = undefined;
    }
    const end = bytes.length > heldBytes ? bytes.length : frameEnd(bytes);
    if (end < bytes.length) this.#held = Buffer.from(bytes.subarray(end));
    if (end === 0) return true;
    this.hasWritten = true;
    return this.#response.write(end === bytes.length ? bytes : bytes.subarray(0, end));
  }

  end(): void {
    if (this.#held === undefined) this.#response.end();
    // Some servers leave out the last blank line; clients read such an event all the same.
    else if (isReadable(this.#held)) this.#response.end(this.#held);
    else this.fail(tornEvent());
  }

  fail(error: Error): void {
    if (this.#response.destroyed) return;
    const told = errorEvent(EconomizerError.from(error), this.#dialect);
    this.#response.end(sseText(told));
  }
}

/** True if every data line is whole: JSON, or the mark that ends a stream. */
function isReadable(rest: Buffer): boolean {
  const data = /^data: ?(.*)$/gm;
  for (const [, value] of rest.toString('utf8').matchAll(data)) {
    if (value !== '[DONE]' && parseJson(value!) === undefined) return false;
  }
  return true;
}

export function callerLeft(): EconomizerError {
  return new EconomizerError('ECO_CANCELLED', 'The caller left before the answer was whole.');
}

function tornEvent(): EconomizerError {
  return new EconomizerError(
    'ECO_UPSTREAM_RESET',
    'The provider ended its stream in the middle of an event; try again.',
  );
}
