import { newCall, type Call, type Caller, type ProviderRef } from '../exchange/call.ts';
import { noDirectives } from '../exchange/directives.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ByteStream } from '../exchange/stream.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { unknownTenant } from '../kernel/names.ts';
import { textOf, isObject, parseJson } from '../kernel/json.ts';
import type { Access, Identity } from './access.ts';
import { refuseOthers } from './local-only.ts';
import { checkMediaType } from './media-type-check.ts';
import { readRequestHeaders, withoutCredential, type RequestHeaders } from './request-headers.ts';
import { queryMethod, type Route, type Routes } from './routes.ts';

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
  /** Address that the request came from; undefined where it came from within this process. */
  readonly peer?: string | undefined;
}

/** A call at the door: its body is not read yet. `fault` is why it must be turned away, known already. */
export interface OpenedCall {
  readonly call: Call;
  readonly fault: EconomizerError | undefined;
  readonly headers: RequestHeaders | undefined;
  readonly route: Route | undefined;
}

const nowhere: ProviderRef = { name: 'none', priceId: 'none', asksStreamUsage: false };
const nobody: Identity = {
  tenant: unknownTenant,
  team: undefined,
  key: undefined,
  agent: undefined,
  tags: [],
  overridable: true,
  allowance: undefined,
  credentialScope: '',
};

/** Makes a call of a request's head. Even a call that will be turned away becomes one, so that the ledger has its row. */
export function openCall(head: RequestHead, options: DoorOptions): OpenedCall {
  let headers: RequestHeaders | undefined;
  let route: Route | undefined;
  let identity = nobody;
  let fault: EconomizerError | undefined;
  const { access } = options;
  const { method, rawHeaders } = head;
  const target = originForm(head.target);
  try {
    headers = readRequestHeaders(rawHeaders);
    const { hasKeys } = access;
    if (!hasKeys && head.peer !== undefined) refuseOthers(head.peer, headers);
    if (hasKeys) headers = withoutCredential(headers);
    route = options.routes.find(method, target, headers.isAnthropic);
    if (method === queryMethod && route.dialect !== undefined) checkMediaType(rawHeaders);
    // Where callers show keys of ours, `authorization` and `x-api-key` end here; where we hold the provider's, we replace them.
    const bringsOwn = options.bringYourOwn.has(route.provider.name) && !hasKeys;
    const passedOn = bringsOwn ? headers.credentials : headers.otherCredentials;
    identity = hasKeys
      ? access.identify(headers.credential, passedOn)
      : access.identifyLocal(headers.credential, passedOn);
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
    method: method === queryMethod && route?.dialect !== undefined ? 'POST' : method,
    path: route?.path ?? target,
    headers: headers?.forwarded ?? [],
    body: undefined,
    directives: headers?.directives ?? noDirectives,
    credentialScope: identity.credentialScope,
    deadlineMs: headers?.deadlineMs,
    startedAt,
    startedTick: options.clock.tick(),
    caller: callerOf(identity, headers),
  });
  return { call, fault, headers, route };
}

/** Who is calling, by its key and by what it says itself, where the key lets it. */
function callerOf(identity: Identity, headers: RequestHeaders | undefined): Caller {
  const { tenant, team, key, allowance } = identity;
  return {
    tenant,
    team,
    key,
    agent: agentOf(identity, headers?.agent),
    session: headers?.session ?? headers?.agentSession,
    tags: tagsOf(identity, headers?.tags ?? noTags),
    cacheTags: headers?.cacheTags,
    allowance,
  };
}

function agentOf({ agent, overridable }: Identity, said: string | undefined): string | undefined {
  return overridable ? (said ?? agent) : (agent ?? said);
}

const noTags: readonly string[] = [];

/** The key's tags always hold. Where it has some, its callers add others only if it lets them: budgets may hang on tags. */
function tagsOf({ tags, overridable }: Identity, said: readonly string[]): readonly string[] {
  if (tags.length === 0) return said;
  return overridable && said.length > 0 ? [...new Set([...tags, ...said])] : tags;
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
