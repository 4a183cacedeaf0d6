import { describe, expect, it } from 'vitest';
import { parseCacheControl } from './cache-control.ts';

describe('parseCacheControl', () => {
  it.each([
    [undefined, {}],
    ['', {}],
    ['no-store', { noStore: true }],
    ['No-Cache, ONLY-IF-CACHED', { noCache: true, onlyIfCached: true }],
    ['max-age=60,min-fresh=5', { maxAge: 60, minFresh: 5 }],
    ['max-age = "60" ; x', { maxAge: 60 }],
    ['max-stale', { maxStale: Infinity }],
    ['max-stale=10', { maxStale: 10 }],
    ['stale-if-error=300', { staleIfError: 300 }],
    ['private, foo=bar, immutable', {}],
    [' , ,no-store,, ', { noStore: true }],
  ])('reads %j', (text, directives) => {
    expect(parseCacheControl(text)).toEqual(directives);
  });

  it('takes nothing inside quotes for a directive', () => {
    expect(parseCacheControl('foo="no-store, max-age=1", no-cache')).toEqual({ noCache: true });
    expect(parseCacheControl(String.raw`foo="a\", no-store", max-age=3`)).toEqual({ maxAge: 3 });
  });

  it('takes what it cannot read in the stricter sense', () => {
    expect(parseCacheControl('max-age')).toEqual({ maxAge: 0 });
    expect(parseCacheControl('max-age=-1')).toEqual({ maxAge: 0 });
    expect(parseCacheControl('max-age=1.5')).toEqual({ maxAge: 0 });
    expect(parseCacheControl('min-fresh=soon')).toEqual({ minFresh: Infinity });
    expect(parseCacheControl('max-stale=""')).toEqual({ maxStale: 0 });
    expect(parseCacheControl('stale-if-error')).toEqual({ staleIfError: 0 });
  });

  it('takes the stricter of two', () => {
    const text =
      'max-age=60, max-age=30, max-age=90, min-fresh=1, min-fresh=2, max-stale, max-stale=4';
    expect(parseCacheControl(text)).toEqual({ maxAge: 30, minFresh: 2, maxStale: 4 });
  });
});
