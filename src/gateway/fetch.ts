import type { Call } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { ByteSink, ByteStream } from '../exchange/stream.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Pipeline } from '../pipeline/stages.ts';
import { errorDialect } from './error-dialect.ts';
import { errorBody, errorShape, isWorthRetrying } from './error-map.ts';
import { openCall, withWholeBody, type DoorOptions, type OpenedCall } from './open-call.ts';
import { replyHeaders } from './reply-headers.ts';
import { tooLarge } from './request-body.ts';

export interface FetchOptions extends DoorOptions {
  readonly pipeline: Pipeline;
  readonly bodyBytes: number;
  /** Providers by their base URLs, as the clients that get this `fetch` use them. */
  readonly providers: readonly { readonly name: string; readonly baseUrl: string }[];
  /** What serves URLs of no provider. */
  readonly otherwise: typeof fetch;
}

/** The edge without a socket: a `fetch` for SDK clients that sends their calls through the pipeline in this process. */
export function createFetch(options: FetchOptions): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const target = targetOf(request, options);
    if (target === undefined) return options.otherwise(request);
    // `fetch` undoes content codings for its callers; here nobody would, so none is asked for.
    request.headers.delete('accept-encoding');
    const rawHeaders = [...request.headers].flat();
    const opened = openCall({ method: request.method, target, rawHeaders }, options);
    const { call } = opened;
    const abort = (): void => call.cancellation.cancel(callerLeft());
    request.signal.addEventListener('abort', abort, { once: true });
    try {
      return await serve(request, opened, options);
    } catch (cause) {
      request.signal.throwIfAborted();
      return refuse(opened, EconomizerError.from(cause), options);
    }
  };
}

async function serve(
  request: Request,
  opened: OpenedCall,
  options: FetchOptions,
): Promise<Response> {
  if (opened.fault !== undefined) throw opened.fault;
  const bytes = Buffer.from(await request.arrayBuffer());
  if (bytes.length > options.bodyBytes) throw tooLarge(bytes.length, options.bodyBytes);
  const call = withWholeBody(opened, bytes, options.routes);
  if (bytes.length === 0) call.body = undefined;
  const reply = await options.pipeline.run(call);
  return toResponse(call, reply, options.clock.tick());
}

async function refuse(
  { call, route }: OpenedCall,
  error: EconomizerError,
  { pipeline }: FetchOptions,
): Promise<Response> {
  if (call.account.outcome === undefined) await pipeline.refuse(call, error);
  const retry = isWorthRetrying(error) ? {} : { 'x-should-retry': 'false' };
  return Response.json(errorBody(error, errorDialect(call, route)), {
    status: errorShape(error).status,
    headers: { 'x-economizer-id': call.id, ...retry },
  });
}

/**
 * The path by which the door finds the provider of a URL; undefined if the URL is none of a provider's. Where base URLs lie within each other, the
 * one holds under which the path is understood, else the longest.
 */
function targetOf(
  { method, url }: Request,
  { providers, routes }: FetchOptions,
): string | undefined {
  const targets = providers
    .filter(({ baseUrl }) => url === baseUrl || url.startsWith(`${baseUrl}/`))
    .toSorted((one, other) => other.baseUrl.length - one.baseUrl.length)
    .map(({ name, baseUrl }) => `/${name}${url.slice(baseUrl.length) || '/'}`);
  const understood = (target: string): boolean =>
    routes.find(method, target, false).dialect !== undefined;
  return targets.find(understood) ?? targets[0];
}

const bodiless = new Set([204, 205, 304]);

function toResponse(call: Call, reply: Reply, nowTick: number): Response {
  const headers = new Headers();
  const flat = replyHeaders(call, reply, nowTick);
  for (let index = 0; index + 1 < flat.length; index += 2) {
    headers.append(flat[index]!, flat[index + 1]!);
  }
  if (bodiless.has(reply.status)) return new Response(null, { status: reply.status, headers });
  // Whoever asked through `fetch` expects what `fetch` gives: a body without its content coding.
  const body = isWhole(reply.body) ? new Uint8Array(reply.body) : webStream(reply.body);
  return new Response(body, { status: reply.status, headers });
}

/** A web stream of a push stream. Off the gateway's hot path, where web streams are too dear. */
function webStream(stream: ByteStream): ReadableStream<Uint8Array> {
  let state: 'new' | 'open' | 'left' = 'new';
  const sinkOf = (controller: ReadableStreamDefaultController<Uint8Array>): ByteSink => ({
    write(chunk) {
      if (state === 'left') return false;
      controller.enqueue(new Uint8Array(chunk));
      return (controller.desiredSize ?? 0) > 0;
    },
    // A reader may leave at the last event, while the end is on its way.
    end() {
      if (state === 'open') controller.close();
    },
    fail(error) {
      if (state === 'open') controller.error(error);
    },
  });
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (state === 'open') stream.resume();
        if (state !== 'new') return;
        state = 'open';
        stream.open(sinkOf(controller));
      },
      cancel() {
        state = 'left';
        stream.cancel(callerLeft());
      },
    },
    { highWaterMark: 16 },
  );
}

function callerLeft(): EconomizerError {
  return new EconomizerError('ECO_CANCELLED', 'The caller left before the answer was whole.');
}
