import type { CacheEntry } from './tier.ts';

/** How the cache handled a call, for the `Cache-Status` field. */
export type CacheHandling =
  | {
      readonly hit: Pick<CacheEntry, 'freshUntil'>;
      /** Milliseconds since the epoch. */
      readonly now: number;
      /** The tier that answered, or why a stale answer was served. */
      readonly detail: string;
    }
  | {
      /** Why the call went on: no entry, an entry past its time, the caller's directives, or reuse is not allowed. */
      readonly forwarded: 'uri-miss' | 'stale' | 'request' | 'bypass';
      /** The provider's status, where it differs from the one sent to the caller. */
      readonly status?: number;
      readonly stored?: boolean;
      /** The call shared another call's flight. */
      readonly collapsed?: boolean;
      readonly detail?: string;
    };

/** One member of a `Cache-Status` field without the cache's name (RFC 9211). A stale hit's `ttl` is negative. */
export function cacheStatus(handling: CacheHandling): string {
  if ('hit' in handling) {
    const ttl = Math.floor((handling.hit.freshUntil - handling.now) / 1000);
    return `hit; ttl=${ttl}; detail=${bareItem(handling.detail)}`;
  }
  let text = `fwd=${handling.forwarded}`;
  if (handling.status !== undefined) text += `; fwd-status=${handling.status}`;
  if (handling.stored === true) text += '; stored';
  if (handling.collapsed === true) text += '; collapsed';
  if (handling.detail !== undefined) text += `; detail=${bareItem(handling.detail)}`;
  return text;
}

/** A token where the text is one, else a quoted string without what such a string cannot hold (RFC 9651). */
function bareItem(text: string): string {
  if (/^[A-Za-z*][\w!#$%&'*+\-.^`|~:/]*$/.test(text)) return text;
  return `"${text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, String.raw`\$&`)}"`;
}
