import { describe, expect, it } from 'vitest';
import { freshnessFields, queryFreshness } from './edge-fields.ts';

const surrogateKeys = ['ea', 'eb'];

describe('the fields for an edge', () => {
  it('say at the address of an answer what is left of its time, rounded down', () => {
    expect(freshnessFields({ freshMs: 1999, staleMs: 0, surrogateKeys })).toEqual({
      'cache-control': 'no-store',
      'cdn-cache-control': 'max-age=1',
      'surrogate-control': 'max-age=1',
      'surrogate-key': 'ea eb',
      'cache-tag': 'ea,eb',
    });
  });

  it('say of an answer to QUERY that it may be shared, from its age on, and not when it is stale', () => {
    const said = queryFreshness({ freshMs: 1999, surrogateKeys }, 40);
    expect(said['cdn-cache-control']).toBe('public, max-age=41, must-revalidate');
    expect(said['cache-control']).toBe('no-store');
    expect(said['surrogate-key']).toBe('ea eb');
  });

  it('name no more than a cache reads', () => {
    const many = Array.from({ length: 1000 }, (_, index) => `e${String(index).padStart(16, '0')}`);
    const { 'surrogate-key': names } = queryFreshness({ freshMs: 1000, surrogateKeys: many }, 0);
    expect(names!.length).toBeLessThanOrEqual(4096);
    expect(names!.startsWith(many[0]!)).toBe(true);
  });
});
