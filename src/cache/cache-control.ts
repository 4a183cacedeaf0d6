import { noDirectives, type CacheDirectives } from '../exchange/directives.ts';

type Draft = { -readonly [Name in keyof CacheDirectives]: CacheDirectives[Name] };

/** A name and, after an equals sign, a quoted or a plain value. Quoted text is taken whole, so that nothing in it passes for a directive. */
const directivePattern = /([^\s,;="]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/g;

/**
 * Reads a `Cache-Control` field: names in any case, quoted or plain values, unknown directives ignored. What cannot be
 * read or is said twice counts in its stricter sense, so that a slip costs a call and never brings an answer unasked for.
 */
export function parseCacheControl(value: string | undefined): CacheDirectives {
  if (value === undefined) return noDirectives;
  const draft: Draft = {};
  for (const [, name, quoted, plain] of value.matchAll(directivePattern)) {
    take(draft, name!.toLowerCase(), quoted ?? plain);
  }
  return draft;
}

function take(draft: Draft, name: string, value: string | undefined): void {
  switch (name) {
    case 'no-cache':
      draft.noCache = true;
      break;
    case 'no-store':
      draft.noStore = true;
      break;
    case 'only-if-cached':
      draft.onlyIfCached = true;
      break;
    case 'max-age':
      draft.maxAge = Math.min(draft.maxAge ?? Infinity, seconds(value) ?? 0);
      break;
    case 'min-fresh':
      draft.minFresh = Math.max(draft.minFresh ?? 0, seconds(value) ?? Infinity);
      break;
    case 'max-stale': {
      const allowed = value === undefined ? Infinity : (seconds(value) ?? 0);
      draft.maxStale = Math.min(draft.maxStale ?? Infinity, allowed);
      break;
    }
    case 'stale-if-error':
      draft.staleIfError = Math.min(draft.staleIfError ?? Infinity, seconds(value) ?? 0);
      break;
    default:
      break;
  }
}

function seconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}
