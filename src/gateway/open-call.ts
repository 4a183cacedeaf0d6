import type { IncomingMessage } from 'node:http';
import { newAccount } from '../exchange/account.ts';
import { noReuse, type Call, type ProviderRef } from '../exchange/call.ts';
import { noDirectives } from '../exchange/directives.ts';
import { Cancellation } from '../kernel/cancellation.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { textOf, isObject, parseJson } from '../kernel/json.ts';
import type { Access, Identity } from './access.ts';
import { readBody, streamBody } from './request-body.ts';
import { readRequestHeaders, type RequestHeaders } from './request-headers.ts';
import type { Route, Routes } from './routes.ts';

export interface DoorOptions {
  readonly routes: Routes;
  readonly access: Access;
  /** Names of providers that see the caller's own credential. */
  readonly bringYourOwn: ReadonlySet<string>;
  readonly bodyBytes: number;
  readonly clock: Clock;
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
export function openCall(request: IncomingMessage, options: DoorOptions): OpenedCall {
  let headers: RequestHeaders | undefined;
  let route: Route | undefined;
  let identity = nobody;
  let fault: EconomizerError | undefined;
  const target = request.url ?? '/';
  const method = request.method ?? 'GET';
  try {
    headers = readRequestHeaders(request.rawHeaders);
    route = options.routes.find(method, target, headers.isAnthropic);
    identity = options.access.identify(
      headers.credential,
      options.bringYourOwn.has(route.provider.name),
    );
  } catch (cause) {
    fault = EconomizerError.from(cause);
  }
  const startedAt = options.clock.now();
  // A coded body cannot be read, so it passes untouched.
  const dialect = headers?.contentEncoding === undefined ? route?.dialect : undefined;
  const call: Call = {
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
    cancellation: new Cancellation(),
    startedAt,
    startedTick: options.clock.tick(),
    caller: {
      tenant: identity.tenant,
      agent: headers?.agent ?? identity.agent,
      session: headers?.session,
      tags: headers?.tags ?? [],
    },
    facts: undefined,
    key: undefined,
    reuse: noReuse,
    harvest: undefined,
    afterFlight: undefined,
    account: newAccount(),
    trail: [],
  };
  return { call, fault, headers, route };
}

/**
 * The call with its body, and with the provider that its model decides.
 * @throws EconomizerError `ECO_BODY_TOO_LARGE` or `ECO_CANCELLED`.
 */
export async function withBody(
  { call, headers, route }: OpenedCall,
  request: IncomingMessage,
  { routes, bodyBytes }: DoorOptions,
): Promise<Call> {
  if (call.dialect === undefined) {
    if (!hasBody(request)) return call;
    // The length goes along: some providers take no upload without it.
    const contentLength = headers?.contentLength;
    const extra = contentLength === undefined ? [] : ['content-length', String(contentLength)];
    return { ...call, headers: [...call.headers, ...extra], body: streamBody(request) };
  }
  call.body = await readBody(request, { bodyBytes, contentLength: headers?.contentLength });
  if (!routes.hasClaims || route === undefined || !(request.url ?? '').startsWith('/v1/')) {
    return call;
  }
  const body = parseJson(Buffer.from(call.body).toString('utf8'));
  const model = isObject(body) ? textOf(body['model']) : undefined;
  return model === undefined ? call : { ...call, provider: routes.forModel(route, model).provider };
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}
