import { Duplex, type Transform } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import type { Call } from '../exchange/call.ts';
import type { Dialect } from '../exchange/dialect.ts';
import { isEventStream } from '../exchange/media-type.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import type { ByteSink, ByteStream, Bytes } from '../exchange/stream.ts';
import { replyHeaders } from './reply-headers.ts';
import { callerLeft, EventSink } from './reply-writer.ts';

export interface WebReply {
  readonly call: Call;
  readonly reply: Reply;
  readonly nowTick: number;
  /** In which a stream's caller is told of a failure. */
  readonly dialect: Dialect;
  /** The caller's; an aborted body fails with its reason, as that of `fetch` does. */
  readonly signal: AbortSignal;
  /** Called once, when the answer is through. */
  readonly done: () => void;
}

const bodiless = new Set([204, 205, 304]);

/** A reply as `fetch` gives it: a `Response` whose body comes without its content coding. */
export function toResponse(web: WebReply): Response {
  const { call, reply, nowTick, done } = web;
  const coding = fieldOf(reply.headers, 'content-encoding')?.trim().toLowerCase();
  const undo = coding === undefined ? undefined : codings[coding];
  const headers = new Headers();
  const flat = replyHeaders(call, reply, nowTick);
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = flat[index]!;
    // The length told is that of the coded body.
    if (undo !== undefined && /^content-(?:encoding|length)$/i.test(name)) continue;
    headers.append(name, flat[index + 1]!);
  }
  const { status, body } = reply;
  if (bodiless.has(status) || call.method === 'HEAD') {
    // The end of even an empty stream is waited for by who books the call.
    if (!isWhole(body)) body.open({ write: () => true, end() {}, fail() {} });
    done();
    return new Response(null, { status, headers });
  }
  if (isWhole(body) && undo === undefined) {
    done();
    return new Response(new Uint8Array(body), { status, headers });
  }
  const stream = webStream(isWhole(body) ? streamOf(body) : body, web);
  const plain = undo === undefined ? stream : stream.pipeThrough(Duplex.toWeb(undo()));
  return new Response(plain, { status, headers });
}

/** A whole body as a stream, for what only works on streams. */
function streamOf(body: Bytes): ByteStream {
  return {
    open(sink) {
      sink.write(body);
      sink.end();
    },
    resume() {},
    cancel() {},
  };
}

/** What `fetch` undoes for its callers, by the name of the coding. */
const codings: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** A web stream of a push stream. Off the gateway's hot path, where web streams are too dear. */
function webStream(stream: ByteStream, web: WebReply): ReadableStream<Uint8Array> {
  let state: 'new' | 'open' | 'over' = 'new';
  const finish = (act: () => void): void => {
    // A reader may leave at the last event, while the end is on its way.
    if (state === 'over') return;
    state = 'over';
    web.done();
    act();
  };
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (state === 'open') stream.resume();
        if (state !== 'new') return;
        state = 'open';
        stream.open(sinkInto(controller, web, finish));
      },
      cancel() {
        finish(() => stream.cancel(callerLeft()));
      },
    },
    { highWaterMark: 16 },
  );
}

/** As in the gateway, a failure within a stream of events is told in an event of the dialect, behind whole ones; in others it breaks the body. */
function sinkInto(
  controller: ReadableStreamDefaultController<Uint8Array>,
  { reply, dialect, signal }: WebReply,
  finish: (act: () => void) => void,
): ByteSink {
  const write = (chunk: Bytes): boolean => {
    controller.enqueue(new Uint8Array(chunk));
    return (controller.desiredSize ?? 0) > 0;
  };
  const end = (): void => finish(() => controller.close());
  const fail = (error: unknown): void => finish(() => controller.error(error));
  const isEvents = isEventStream(reply.headers);
  if (!isEvents || fieldOf(reply.headers, 'content-encoding') !== undefined) {
    return { write, end, fail: (error) => fail(signal.aborted ? signal.reason : error) };
  }
  const events = new EventSink(
    {
      destroyed: false,
      write,
      end(last) {
        if (last !== undefined) write(Buffer.from(last as string));
        end();
      },
    },
    dialect,
  );
  return {
    write: (chunk) => events.write(chunk),
    end: () => events.end(),
    fail: (error) => (signal.aborted ? fail(signal.reason) : events.fail(error)),
  };
}
