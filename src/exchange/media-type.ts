import { fieldOf } from './reply.ts';

/** True for an answer that comes as server-sent events. Names of media types know no case (RFC 9110 section 8.3.1). */
export function isEventStream(headers: readonly string[]): boolean {
  return hasType(headers, 'text/event-stream');
}

export function isJsonType(headers: readonly string[]): boolean {
  return hasType(headers, 'application/json');
}

function hasType(headers: readonly string[], type: string): boolean {
  const given = fieldOf(headers, 'content-type');
  return given !== undefined && given.slice(0, type.length).toLowerCase() === type;
}
