import { describe, expect, it } from 'vitest';
import { hasVarnish } from '../services/varnish-server.ts';
import { isFromEdge, query, queryHouse } from './query-house.ts';

describe.skipIf(!hasVarnish)('QUERY through a real Varnish with our VCL', () => {
  it('is answered there the next time, to the same key, with the same body and fields alone', async () => {
    const house = await queryHouse();
    const { url } = house.edge;
    const first = await query(url);
    console.log(first.status, first.headers, first.body.toString().slice(0, 200));
    const second = await query(url);
    console.log(second.headers);
    const third = await query(url);
    console.log(third.headers, isFromEdge(third), house.seen());
    expect(house.provider.calls).toHaveLength(1);
  });
});
