import type { ByteStream, Bytes } from './stream.ts';

/** An answer on its way back. */
export interface Reply {
  readonly status: number;
  /** Names and values in turn, as the provider sent them, without hop-by-hop fields. */
  readonly headers: readonly string[];
  /** Bytes when the whole is here, else a stream. */
  readonly body: Bytes | ByteStream;
  /** The value of our `Cache-Status` member (RFC 9211), without its name: `hit; ttl=30; detail=l1`. */
  readonly cacheStatus?: string;
  /** Seconds since the answer was made, where it is a stored one. */
  readonly ageSeconds?: number;
  /** Where it is a stored answer that a cache of HTTP may keep for this caller and this question. */
  readonly keep?: KeepTerms | undefined;
}

/** For how long a cache of HTTP may keep an answer, in milliseconds from now, and the names that it is purged by there. */
export interface KeepTerms {
  readonly freshMs: number;
  readonly surrogateKeys: readonly string[];
}

export function isWhole(body: Bytes | ByteStream): body is Bytes {
  return body instanceof Uint8Array;
}

/** The first value of a field in a flat list of names and values; `name` in lower case. */
export function fieldOf(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const each = headers[index]!;
    if (each.length === name.length && each.toLowerCase() === name) return headers[index + 1];
  }
  return undefined;
}
