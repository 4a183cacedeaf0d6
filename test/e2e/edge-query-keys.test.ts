import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  changeKey,
  createKey,
  revokeKey,
  rotateKey,
  type KeyMaker,
} from '../../src/access/lifecycle.ts';
import { newTerms } from '../../src/access/read-terms.ts';
import { createSqliteKeyStore } from '../../src/access/stores/sqlite.ts';
import type { KeyTerms } from '../../src/access/terms.ts';
import { startGateway } from '../../src/main.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { hasVarnish } from '../services/varnish-server.ts';
import { isFromEdge, query, queryHouse, type QueryHouse } from './query-house.ts';

/** The keys of this house, as the command line sees them. */
function keysOf({ config }: QueryHouse) {
  const store = createSqliteKeyStore({ path: join(config.dataDirectory, 'keys.sqlite') });
  const maker: KeyMaker = { store, clock: systemClock, random: randomBytes };
  const make = async (id: string, changes: Partial<KeyTerms> = {}): Promise<string> =>
    (await createKey(maker, { ...newTerms('acme', randomBytes), id, ...changes })).text;
  return { maker, make };
}

async function keep({ edge }: QueryHouse, key: string): Promise<void> {
  let answer = await query(edge.url, {}, { key });
  for (let turn = 0; turn < 50 && !isFromEdge(answer); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await query(edge.url, {}, { key });
  }
  expect([answer.status, isFromEdge(answer)]).toEqual([200, true]);
}

/** Milliseconds until the edge asks the gateway again. */
async function untilAsked({ edge }: QueryHouse, key: string): Promise<number> {
  const from = performance.now();
  while (isFromEdge(await query(edge.url, {}, { key }))) {
    if (performance.now() - from > 10_000) throw new Error('it goes on and on');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - from;
}

describe.skipIf(!hasVarnish)('a key whose answers the edge keeps', () => {
  it('is refused there too within a second of being revoked, though no call reaches the gateway', async () => {
    const house = await queryHouse();
    const { maker, make } = keysOf(house);
    const [ended, other] = [await make('ended'), await make('other')];
    await keep(house, ended);
    await keep(house, other);
    // That both were made is told once more, a second later.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await keep(house, ended);
    await keep(house, other);
    const before = house.seen();
    await revokeKey(maker, { tenant: 'acme', id: 'ended' });
    expect(await untilAsked(house, ended)).toBeLessThan(1000);
    expect((await query(house.edge.url, {}, { key: ended })).status).toBe(401);
    expect(isFromEdge(await query(house.edge.url, {}, { key: other }))).toBe(true);
    expect(house.seen()).toBeGreaterThan(before);
  }, 30_000);

  it('asks the gateway again when it may do something else, and when it is rotated', async () => {
    const house = await queryHouse();
    const { maker, make } = keysOf(house);
    const text = await make('k');
    await keep(house, text);
    await changeKey(maker, { tenant: 'acme', id: 'k' }, (terms) => ({ ...terms, models: ['x'] }));
    expect(await untilAsked(house, text)).toBeLessThan(2000);
    expect((await query(house.edge.url, {}, { key: text })).status).toBe(403);
    await changeKey(maker, { tenant: 'acme', id: 'k' }, (terms) => ({
      ...terms,
      models: undefined,
    }));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await keep(house, text);
    // The old text goes on for three seconds, and no longer at the edge than at the gateway.
    await rotateKey(maker, { tenant: 'acme', id: 'k' }, 3000);
    const from = performance.now();
    let last = 200;
    while (last === 200 && performance.now() - from < 10_000) {
      last = (await query(house.edge.url, {}, { key: text })).status;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(last).toBe(401);
    expect(performance.now() - from).toBeLessThan(3500);
  }, 30_000);

  it('expires there as it does here', async () => {
    const house = await queryHouse();
    const { make } = keysOf(house);
    const text = await make('k', { expiresAt: Date.now() + 6000 });
    await keep(house, text);
    const left = async () => (await query(house.edge.url, {}, { key: text })).status;
    const from = performance.now();
    while ((await left()) === 200) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await left()).toBe(401);
    expect(performance.now() - from).toBeLessThan(6100);
  }, 30_000);

  it('gets nothing that was kept before its gateway started anew', async () => {
    const house = await queryHouse();
    await keep(house, 'ann');
    await house.gateway.stop();
    expect(isFromEdge(await query(house.edge.url))).toBe(true);
    const keys = house.config.access.keys.filter(({ id }) => id !== 'ann');
    const port = Number(new URL(house.url).port);
    const next = await startGateway({
      ...house.config,
      access: { ...house.config.access, keys },
      listen: { ...house.config.listen, port },
    });
    try {
      expect(await untilAsked(house, 'ann')).toBeLessThan(1000);
      expect((await query(house.edge.url)).status).toBe(401);
    } finally {
      await next.stop();
    }
  }, 30_000);
});
