import { parseCacheControl } from '../cache/cache-control.ts';
import { isName } from '../kernel/names.ts';
import { nameFrom, tagsFrom } from './caller-names.ts';
import { isLocalOrigin } from './local-only.ts';
import { isOwnField, type RequestField } from './request-fields.ts';
import { noDirectives, type CacheDirectives } from '../exchange/directives.ts';
import { parseDuration } from '../kernel/duration.ts';
import { EconomizerError } from '../kernel/errors.ts';

/** What a request's header says to us, and what is left of it for the provider. */
export interface RequestHeaders {
  /** Names and values in turn. */
  readonly forwarded: readonly string[];
  readonly agent: string | undefined;
  readonly session: string | undefined;
  /** The session by a header that an agent sends of itself: Claude Code, Codex, OpenCode and others. */
  readonly agentSession: string | undefined;
  readonly tags: readonly string[];
  /** Names to purge the answer by. */
  readonly cacheTags: readonly string[] | undefined;
  readonly deadlineMs: number | undefined;
  readonly directives: CacheDirectives;
  readonly contentLength: number | undefined;
  readonly contentEncoding: string | undefined;
  /** What the caller shows as its key: a bearer token or `x-api-key`. */
  readonly credential: string | undefined;
  /** Every field by which the caller may show the provider who it is, each with its name; empty where there is none. */
  readonly credentials: string;
  /** As `credentials`, without those that the gateway puts its own in the place of. */
  readonly otherCredentials: string;
  readonly isAnthropic: boolean;
  /** As it came. */
  readonly host: string | undefined;
  /** The request has come through a proxy, or from a web page of another site. */
  readonly isFromAfar: boolean;
}

/** Names of fields that show who is asking, whatever the provider calls them: `api-key` at Azure, `x-goog-api-key`, `cookie`, ... */
const credentialName =
  /(?:^|-)(?:auth|authorization|authentication|token|api-?key|apikey|secret|cookie|credentials?)(?:-|$)/;

/** Fields between the caller and us (RFC 9110 section 7.6.1), and those that our own client makes anew. */
const ours: ReadonlySet<string> = new Set<RequestField>([
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'expect',
]);

type Draft = { -readonly [Name in keyof RequestHeaders]: RequestHeaders[Name] } & {
  forwarded: string[];
  cacheControl: string;
};

/** @throws EconomizerError `ECO_BAD_HEADER` or `ECO_NO_UPGRADE`. */
export function readRequestHeaders(raw: readonly string[]): RequestHeaders {
  const draft: Draft = {
    forwarded: [],
    agent: undefined,
    session: undefined,
    agentSession: undefined,
    tags: [],
    cacheTags: undefined,
    deadlineMs: undefined,
    directives: noDirectives,
    cacheControl: '',
    contentLength: undefined,
    contentEncoding: undefined,
    credential: undefined,
    credentials: '',
    otherCredentials: '',
    isAnthropic: false,
    host: undefined,
    isFromAfar: false,
  };
  let nominated = '';
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase();
    const value = raw[index + 1]!;
    if (name === 'connection') nominated += `,${value.toLowerCase()}`;
    else if (name === 'host') draft.host = value;
    else if (ours.has(name)) continue;
    else if (isOwnField(name)) readOwn(draft, name, value);
    else if (readKnown(draft, name, value)) draft.forwarded.push(raw[index]!, value);
  }
  if (draft.cacheControl !== '') draft.directives = parseCacheControl(draft.cacheControl);
  if (!nothingNominated.test(nominated)) dropNominated(draft, nominated);
  return draft;
}

/** The fields without those by which callers show keys of ours, which are no provider's business. */
export function withoutCredential(headers: RequestHeaders): RequestHeaders {
  const { forwarded } = headers;
  if (headers.credential === undefined) return headers;
  return {
    ...headers,
    forwarded: forwarded.filter((_, at) => !ownCredentials.has(forwarded[at & ~1]!.toLowerCase())),
  };
}

const ownCredentials: ReadonlySet<string> = new Set<RequestField>(['authorization', 'x-api-key']);

const nothingNominated = /^(?:[,\s]|keep-alive|close|upgrade|te)*$/;

/** Fields that `Connection` names are for this connection alone (RFC 9110 section 7.6.1). */
function dropNominated(draft: Draft, nominated: string): void {
  const names = new Set(nominated.split(',').map((name) => name.trim()));
  const { forwarded } = draft;
  draft.forwarded = forwarded.filter((_, at) => !names.has(forwarded[at & ~1]!.toLowerCase()));
}

/** Takes note of a field that we understand; true if the provider gets it too. */
function readKnown(draft: Draft, name: string, value: string): boolean {
  switch (name) {
    case 'content-length':
      draft.contentLength = Number(value);
      return false;
    case 'content-encoding':
      if (!/^\s*(?:identity)?\s*$/i.test(value)) draft.contentEncoding = value;
      return true;
    case 'authorization':
      draft.credential ??= value.replace(/^bearer\s+/i, '');
      draft.credentials += `${name}:${value}\n`;
      return true;
    case 'x-api-key':
      draft.credential = value;
      draft.credentials += `${name}:${value}\n`;
      return true;
    case 'upgrade':
      // Other protocols (`h2c`) are offers that may be passed over (RFC 9110 section 7.8); who asks for this one speaks no HTTP.
      if (/\bwebsocket\b/i.test(value)) throw noUpgrade();
      return false;
    case 'anthropic-version':
      draft.isAnthropic = true;
      return true;
    case 'cache-control':
      // A field that comes twice counts as one list (RFC 9110 section 5.2).
      draft.cacheControl = draft.cacheControl === '' ? value : `${draft.cacheControl}, ${value}`;
      return true;
    case 'x-claude-code-session-id':
    case 'session-id':
    case 'session_id':
    case 'x-session-id':
    case 'x-session-affinity':
    case 'x-opencode-session':
      draft.agentSession ??= isName(value) ? value : undefined;
      return true;
    case 'origin':
      if (!isLocalOrigin(value)) draft.isFromAfar = true;
      return true;
    case 'sec-fetch-site':
      if (value === 'cross-site') draft.isFromAfar = true;
      return true;
    case 'forwarded':
    case 'x-forwarded-for':
    case 'x-forwarded-host':
    case 'x-real-ip':
    case 'via':
      draft.isFromAfar = true;
      return true;
    default:
      if (isCredential(name)) {
        draft.credentials += `${name}:${value}\n`;
        draft.otherCredentials += `${name}:${value}\n`;
      }
      return true;
  }
}

const namesSeen = new Map<string, boolean>();

/** Few names come again and again, so what was found of one is remembered. */
export function isCredential(name: string): boolean {
  let is = namesSeen.get(name);
  if (is === undefined) {
    if (namesSeen.size >= 1000) namesSeen.clear();
    is = credentialName.test(name);
    namesSeen.set(name, is);
  }
  return is;
}

function readOwn(draft: Draft, name: string, value: string): void {
  switch (name) {
    case 'x-economizer-agent':
      draft.agent = nameFrom(name, value);
      break;
    case 'x-economizer-session':
      draft.session = nameFrom(name, value);
      break;
    case 'x-economizer-tags':
      draft.tags = tagsFrom(draft.tags, name, value);
      break;
    case 'x-economizer-cache-tags':
      draft.cacheTags = tagsFrom(draft.cacheTags ?? [], name, value);
      break;
    case 'x-economizer-deadline':
      draft.deadlineMs = parseDuration(value);
      if (draft.deadlineMs === undefined) {
        throw new EconomizerError(
          'ECO_BAD_HEADER',
          `x-economizer-deadline must be a duration such as 30s or a number of milliseconds, got "${value}".`,
          { param: name },
        );
      }
      break;
    default: // fields of later versions are no fault of the caller's
  }
}

function noUpgrade(): EconomizerError {
  return new EconomizerError(
    'ECO_NO_UPGRADE',
    'This gateway passes no WebSockets; use the HTTP API, or connect this client to the provider itself.',
  );
}
