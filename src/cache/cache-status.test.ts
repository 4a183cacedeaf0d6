import { describe, expect, it } from 'vitest';
import { cacheStatus } from './cache-status.ts';

describe('cacheStatus', () => {
  it('tells of hits with the time that is left', () => {
    const hit = { freshUntil: 10_000 };
    expect(cacheStatus({ hit, now: 0, detail: 'l1' })).toBe('hit; ttl=10; detail=l1');
    expect(cacheStatus({ hit, now: 9_500, detail: 'l3' })).toBe('hit; ttl=0; detail=l3');
    expect(cacheStatus({ hit, now: 10_500, detail: 'l3' })).toBe('hit; ttl=-1; detail=l3');
  });

  it('tells why a call went on, and what became of it', () => {
    expect(cacheStatus({ forwarded: 'uri-miss', stored: true })).toBe('fwd=uri-miss; stored');
    expect(cacheStatus({ forwarded: 'bypass', detail: 'sampled' })).toBe(
      'fwd=bypass; detail=sampled',
    );
    expect(cacheStatus({ forwarded: 'request', stored: false })).toBe('fwd=request');
    expect(cacheStatus({ forwarded: 'stale', status: 503 })).toBe('fwd=stale; fwd-status=503');
    expect(cacheStatus({ forwarded: 'uri-miss', collapsed: true })).toBe('fwd=uri-miss; collapsed');
  });

  it('quotes a detail that is no token', () => {
    const detail = 'a "b" \\ c\r\né';
    expect(cacheStatus({ forwarded: 'bypass', detail })).toBe(
      String.raw`fwd=bypass; detail="a \"b\" \\ c"`,
    );
  });
});
