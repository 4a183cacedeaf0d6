import { EconomizerError } from '../kernel/errors.ts';
import type { Pipeline } from '../pipeline/stages.ts';
import { limitCall } from './call-limit.ts';
import { errorDialect } from './error-dialect.ts';
import { errorHeaders } from './error-headers.ts';
import { errorBody, errorShape } from './error-map.ts';
import { openCall, withWholeBody, type DoorOptions, type OpenedCall } from './open-call.ts';
import { tooLarge } from './request-body.ts';
import { callerLeft } from './reply-writer.ts';
import { toResponse } from './web-response.ts';

export interface FetchOptions extends DoorOptions {
  readonly pipeline: Pipeline;
  readonly bodyBytes: number;
  /** For a call as a whole, in milliseconds; undefined for none. */
  readonly totalMs: number | undefined;
  /** Providers by their base URLs, as the clients that get this `fetch` use them. */
  readonly providers: readonly { readonly name: string; readonly baseUrl: string }[];
  /** What serves URLs of no provider. */
  readonly otherwise: typeof fetch;
}

/** The edge without a socket: a `fetch` for SDK clients that sends their calls through the pipeline in this process. */
export function createFetch(given: FetchOptions): typeof fetch {
  const providers = given.providers.map(({ name, baseUrl }) => ({
    name,
    baseUrl: normal(baseUrl),
  }));
  const options = { ...given, providers };
  return async (input, init) => {
    const target = targetOf(methodOf(input, init), urlOf(input), options);
    // What is no provider's business goes on exactly as it was given.
    if (target === undefined) return options.otherwise(input, init);
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    // `fetch` undoes content codings for its callers; the fewer there are to undo, the better.
    request.headers.delete('accept-encoding');
    const rawHeaders = [...request.headers].flat();
    const opened = openCall({ method: request.method, target, rawHeaders }, options);
    const { call } = opened;
    const abort = (): void => call.cancellation.cancel(callerLeft());
    request.signal.addEventListener('abort', abort, { once: true });
    const callOff = limitCall(call, options.totalMs, options.clock);
    const done = (): void => {
      callOff();
      request.signal.removeEventListener('abort', abort);
    };
    try {
      return await serve({ request, opened, done }, options);
    } catch (cause) {
      done();
      request.signal.throwIfAborted();
      return refuse(opened, EconomizerError.from(cause), options);
    }
  };
}

interface Visit {
  readonly request: Request;
  readonly opened: OpenedCall;
  /** Called when the answer is through. */
  readonly done: () => void;
}

async function serve(visit: Visit, options: FetchOptions): Promise<Response> {
  const { request, opened, done } = visit;
  if (opened.fault !== undefined) throw opened.fault;
  const bytes = Buffer.from(await request.arrayBuffer());
  // As in the gateway, only a body that must be understood is bounded.
  if (opened.call.dialect !== undefined && bytes.length > options.bodyBytes) {
    throw tooLarge(bytes.length, options.bodyBytes);
  }
  const call = withWholeBody(opened, bytes, options.routes);
  if (bytes.length === 0) call.body = undefined;
  const reply = await options.pipeline.run(call);
  const nowTick = options.clock.tick();
  const dialect = errorDialect(call, opened.route);
  return toResponse({ call, reply, nowTick, dialect, signal: request.signal, done });
}

function urlOf(input: Parameters<typeof fetch>[0]): string {
  const url = input instanceof Request ? input.url : String(input);
  // What is no URL is left for `fetch` to complain of.
  return URL.canParse(url) ? new URL(url).href.replace(/#.*$/, '') : url;
}

/** A base URL in the form in which `fetch` asks for what is below it: host in lower case, without the usual port. */
function normal(baseUrl: string): string {
  return new URL(baseUrl).href.replace(/\/$/, '');
}

function methodOf(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): string {
  return (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
}

async function refuse(
  { call, route }: OpenedCall,
  error: EconomizerError,
  { pipeline }: FetchOptions,
): Promise<Response> {
  if (call.account.outcome === undefined) await pipeline.refuse(call, error);
  const headers = new Headers();
  const flat = errorHeaders(call, error);
  for (let index = 0; index + 1 < flat.length; index += 2) {
    headers.append(flat[index]!, flat[index + 1]!);
  }
  const { status } = errorShape(error);
  return Response.json(errorBody(error, errorDialect(call, route)), { status, headers });
}

/**
 * The path by which the door finds the provider of a URL; undefined if the URL is none of a provider's. Where base URLs lie within each other, the
 * one holds under which the path is understood, else the longest.
 */
function targetOf(
  method: string,
  url: string,
  { providers, routes }: FetchOptions,
): string | undefined {
  const targets = providers
    .filter(
      ({ baseUrl }) => url.startsWith(baseUrl) && /^(?:[/?]|$)/.test(url.slice(baseUrl.length)),
    )
    .toSorted((one, other) => other.baseUrl.length - one.baseUrl.length)
    .map(({ name, baseUrl }) => `/${name}${url.slice(baseUrl.length) || '/'}`);
  const understood = (target: string): boolean =>
    routes.find(method, target, false).dialect !== undefined;
  return targets.find(understood) ?? targets[0];
}
