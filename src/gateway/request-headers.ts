import { parseCacheControl } from '../cache/cache-control.ts';
import { noDirectives, type CacheDirectives } from '../exchange/directives.ts';
import { parseDuration } from '../kernel/duration.ts';
import { EconomizerError } from '../kernel/errors.ts';

/** What a request's header says to us, and what is left of it for the provider. */
export interface RequestHeaders {
  /** Names and values in turn. */
  readonly forwarded: readonly string[];
  readonly agent: string | undefined;
  readonly session: string | undefined;
  readonly tags: readonly string[];
  readonly deadlineMs: number | undefined;
  readonly directives: CacheDirectives;
  readonly contentLength: number | undefined;
  readonly contentEncoding: string | undefined;
  /** What the caller shows as its key: a bearer token or `x-api-key`. */
  readonly credential: string | undefined;
  readonly isAnthropic: boolean;
}

/** Fields between the caller and us (RFC 9110 section 7.6.1), and those that our own client makes anew. */
const ours = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

type Draft = { -readonly [Name in keyof RequestHeaders]: RequestHeaders[Name] } & {
  forwarded: string[];
};

/** @throws EconomizerError `ECO_BAD_HEADER`. */
export function readRequestHeaders(raw: readonly string[]): RequestHeaders {
  const draft: Draft = {
    forwarded: [],
    agent: undefined,
    session: undefined,
    tags: [],
    deadlineMs: undefined,
    directives: noDirectives,
    contentLength: undefined,
    contentEncoding: undefined,
    credential: undefined,
    isAnthropic: false,
  };
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase();
    const value = raw[index + 1]!;
    if (ours.has(name)) continue;
    if (name.startsWith('x-economizer-')) readOwn(draft, name, value);
    else if (readKnown(draft, name, value)) draft.forwarded.push(raw[index]!, value);
  }
  return draft;
}

/** Takes note of a field that we understand; true if the provider gets it too. */
function readKnown(draft: Draft, name: string, value: string): boolean {
  switch (name) {
    case 'content-length':
      draft.contentLength = Number(value);
      return false;
    case 'content-encoding':
      draft.contentEncoding = value;
      return true;
    case 'authorization':
      draft.credential ??= value.replace(/^bearer\s+/i, '');
      return true;
    case 'x-api-key':
      draft.credential = value;
      return true;
    case 'anthropic-version':
      draft.isAnthropic = true;
      return true;
    case 'cache-control':
      draft.directives = parseCacheControl(value);
      return true;
    default:
      return true;
  }
}

function readOwn(draft: Draft, name: string, value: string): void {
  switch (name) {
    case 'x-economizer-agent':
      draft.agent = value;
      break;
    case 'x-economizer-session':
      draft.session = value;
      break;
    case 'x-economizer-tags':
      draft.tags = value.split(',').flatMap((tag) => (tag.trim() === '' ? [] : [tag.trim()]));
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
