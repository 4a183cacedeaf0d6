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
import { until } from './harness.ts';
import { isFromEdge, query, queryHouse, type QueryHouse } from './query-house.ts';

/** The keys of this house, as the command line sees them. */
function keysOf({ config }: QueryHouse) {
  const store = createSqliteKeyStore({ path: join(config.dataDirectory, 'keys.sqlite') });
  const maker: KeyMaker = { store, clock: systemClock, random: randomBytes };
  const make = async (id: string, changes: Partial<KeyTerms> = {}): Promise<string> =>
    (await createKey(maker, { ...newTerms('acme', randomBytes), id, ...changes })).text;
  return { maker, make };
}

/** Asks until the edge answers by itself. */
async function keep({ edge }: QueryHouse, key: string): Promise<void> {
  await until(async () => isFromEdge(await query(edge.url, {}, { key })));
}

/** Asks until the edge asks the gateway again. */
async function untilAsked({ edge }: QueryHouse, key: string): Promise<void> {
  await until(async () => !isFromEdge(await query(edge.url, {}, { key })));
}

/** Asks until the key is refused. @returns when the last call began that was answered, by `performance`. */
async function untilRefused({ edge }: QueryHouse, key: string): Promise<number> {
  let last = -Infinity;
  await until(async () => {
    const began = performance.now();
    const { status } = await query(edge.url, {}, { key });
    if (status === 200) last = began;
    return status === 401;
  });
  return last;
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
    const from = performance.now();
    // Usually half a second; the rest is for machines that are busy.
    expect((await untilRefused(house, ended)) - from).toBeLessThan(3000);
    expect(isFromEdge(await query(house.edge.url, {}, { key: other }))).toBe(true);
    expect(house.seen()).toBeGreaterThan(before);
  }, 30_000);

  it('asks the gateway again when it may do something else, and when it is rotated', async () => {
    const house = await queryHouse();
    const { maker, make } = keysOf(house);
    const text = await make('k');
    await keep(house, text);
    await changeKey(maker, { tenant: 'acme', id: 'k' }, (terms) => ({ ...terms, models: ['x'] }));
    await untilAsked(house, text);
    expect((await query(house.edge.url, {}, { key: text })).status).toBe(403);
    await changeKey(maker, { tenant: 'acme', id: 'k' }, (terms) => ({
      ...terms,
      models: undefined,
    }));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await keep(house, text);
    // The old text goes on for three seconds, and no longer at the edge than at the gateway.
    await rotateKey(maker, { tenant: 'acme', id: 'k' }, 3000);
    const rotatedBy = performance.now();
    expect((await untilRefused(house, text)) - rotatedBy).toBeLessThan(3000);
  }, 60_000);

  it('expires there as it does here', async () => {
    const house = await queryHouse();
    const { make } = keysOf(house);
    const text = await make('k', { expiresAt: Date.now() + 6000 });
    const madeBy = performance.now();
    await keep(house, text);
    expect((await untilRefused(house, text)) - madeBy).toBeLessThan(6000);
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
      await untilAsked(house, 'ann');
      expect((await query(house.edge.url)).status).toBe(401);
    } finally {
      await next.stop();
    }
  }, 30_000);
});
