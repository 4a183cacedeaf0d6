import { newCall, type Call, type ProviderRef } from '../exchange/call.ts';
import { noDirectives } from '../exchange/directives.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ByteStream } from '../exchange/stream.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { textOf, isObject, parseJson } from '../kernel/json.ts';
import type { Access, Identity } from './access.ts';
import { readRequestHeaders, type RequestHeaders } from './request-headers.ts';
import type { Route, Routes } from './routes.ts';

export interface DoorOptions {
  readonly routes: Routes;
  readonly access: Access;
  /** Names of providers that see the caller's own credential. */
  readonly bringYourOwn: ReadonlySet<string>;
  readonly clock: Clock;
}

/** The head of a request, wherever it came in. */
export interface RequestHead {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** A call at the door: its body is not read yet. `fault` is why it must be turned away, known already. */
export interface OpenedCall {
  readonly call: Call;
  readonly fault: EconomizerError | undefined;
  readonly headers: RequestHeaders | undefined;
  readonly route: Route | undefined;
}

const nowhere: ProviderRef = { name: 'none', priceId: 'none', asksStreamUsage: false };
const nobody: Identity = { tenant: 'unknown', agent: undefined, credentialScope: '' };

/** Makes a call of a request's head. Even a call that will be turned away becomes one, so that the ledger has its row. */
export function openCall(head: RequestHead, options: DoorOptions): OpenedCall {
  let headers: RequestHeaders | undefined;
  let route: Route | undefined;
  let identity = nobody;
  let fault: EconomizerError | undefined;
  const { method, rawHeaders } = head;
  const target = originForm(head.target);
  try {
    headers = readRequestHeaders(rawHeaders);
    route = options.routes.find(method, target, headers.isAnthropic);
    // Where callers show keys of ours, `authorization` and `x-api-key` end here; where we hold the provider's, we replace them.
    const bringsOwn = options.bringYourOwn.has(route.provider.name) && !options.access.hasKeys;
    identity = options.access.identify(
      headers.credential,
      bringsOwn ? headers.credentials : headers.otherCredentials,
    );
  } catch (cause) {
    fault = EconomizerError.from(cause);
  }
  const startedAt = options.clock.now();
  // A coded body cannot be read, so it passes untouched.
  const dialect = headers?.contentEncoding === undefined ? route?.dialect : undefined;
  const call = newCall({
    id: newId(startedAt),
    provider: route?.provider ?? nowhere,
    dialect,
    method,
    path: route?.path ?? target,
    headers: headers?.forwarded ?? [],
    body: undefined,
    directives: headers?.directives ?? noDirectives,
    credentialScope: identity.credentialScope,
    deadlineMs: headers?.deadlineMs,
    startedAt,
    startedTick: options.clock.tick(),
    caller: {
      tenant: identity.tenant,
      agent: headers?.agent ?? identity.agent,
      session: headers?.session,
      tags: headers?.tags ?? [],
      cacheTags: headers?.cacheTags,
    },
  });
  return { call, fault, headers, route };
}

/** Path and query of a target in the form that is meant for proxies, `http://host/path`; every server must understand it (RFC 9112 section 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const host = /^https?:\/\/[^/?#]*/i.exec(target)?.[0];
  if (host === undefined) return target;
  const rest = target.slice(host.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** The call with a whole body, and with the provider that its model decides. */
export function withWholeBody({ call, route }: OpenedCall, body: Buffer, routes: Routes): Call {
  call.body = body;
  if (!routes.hasClaims || route?.bare !== true) return call;
  const parsed = parseJson(body.toString('utf8'));
  const model = isObject(parsed) ? textOf(parsed['model']) : undefined;
  return model === undefined ? call : { ...call, provider: routes.forModel(route, model).provider };
}

/** The call with a body that passes untouched, as it comes. */
export function withStreamedBody({ call, headers }: OpenedCall, body: ByteStream): Call {
  // The length goes along where it is known: some providers take no upload without it.
  const length = headers?.contentLength;
  const extra = length === undefined ? [] : ['content-length', String(length)];
  return { ...call, headers: [...call.headers, ...extra], body };
}
