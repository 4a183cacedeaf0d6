import type { ServerResponse } from 'node:http';
import { isVariant } from '../../cache/key.ts';
import type { Call } from '../../exchange/call.ts';
import { isWhole, type Reply } from '../../exchange/reply.ts';
import { digestOf } from '../../kernel/digest.ts';
import { acceptQuery } from '../media-type-check.ts';
import { headerText } from '../protection-headers.ts';
import { isOwnField, isRequestField, tellingFields } from '../request-fields.ts';
import { keptNowhere, queryFreshness } from './edge-fields.ts';
import { matches } from './etag.ts';

/** A question that came as `QUERY`: no cache on the way keeps what becomes of it, unless the answer turns out to be one that may be kept. */
export function beginQuery(response: ServerResponse, call: Call): void {
  for (const [name, value] of Object.entries(keptNowhere)) response.setHeader(name, value);
  if (call.dialect === undefined) return;
  response.setHeader('accept-query', acceptQuery);
  call.isCacheable = true;
}

/**
 * Writes an answer that the edge may keep, and that it then gives to every call of the same key and question; false where this is none. So nothing
 * goes along that tells of one call: no id, time taken, trail, budget or cost. The address of the sealed answer is not told as the `Location` of RFC 10008:
 * whoever has it needs no key, and it is another form of the answer.
 * @param keyEndsInMs the edge does not learn of it when the key expires.
 */
export function writeKept(
  response: ServerResponse,
  call: Call,
  reply: Reply,
  keyEndsInMs: number,
): boolean {
  const { body } = reply;
  const keep = reply.keep && {
    ...reply.keep,
    freshMs: Math.min(reply.keep.freshMs, keyEndsInMs),
  };
  if (keep === undefined || keep.freshMs < 1000 || !isWhole(body)) return false;
  if (response.destroyed) return true;
  const { headers, rawHeaders } = response.req;
  const etag = `"${digestOf(body).slice(0, 22)}"`;
  const { ageSeconds = 0, cacheStatus } = reply;
  const fields = { ...queryFreshness(keep, ageSeconds), vary: varyOf(rawHeaders), etag };
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
  response.setHeader('age', ageSeconds);
  response.setHeader('cache-status', `economizer; ${cacheStatus}`);
  const { modelServed } = call.account;
  if (modelServed !== undefined) response.setHeader('x-economizer-model', headerText(modelServed));
  if (matches(headers['if-none-match'], etag)) {
    response.writeHead(304).end();
    return true;
  }
  response.writeHead(reply.status, [...reply.headers, 'content-length', String(body.length)]);
  response.end(body);
  return true;
}

const telling = tellingFields.join(', ');

/** What the answer depends on beside the body: all that we know by name, and those of this request that we know by a part of their name. */
function varyOf(rawHeaders: readonly string[]): string {
  const others = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if ((isVariant(name) || isOwnField(name)) && !isRequestField(name)) others.add(name);
  }
  return others.size === 0 ? telling : `${telling}, ${[...others].join(', ')}`;
}

const cacheFields =
  /cache-control$|^surrogate-|^(?:expires|cache-tag|edge-control|x-accel-expires)$/i;

/** A provider's word about who may keep its answer to `POST` is none about ours to `QUERY`. */
export function withoutCacheFields(reply: Reply): Reply {
  const headers = reply.headers.filter((_, at) => !cacheFields.test(reply.headers[at & ~1]!));
  return headers.length === reply.headers.length ? reply : { ...reply, headers };
}
