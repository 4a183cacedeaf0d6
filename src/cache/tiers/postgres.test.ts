import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import {
  hasPostgres,
  startPostgres,
  type PostgresServer,
} from '../../../test/services/postgres-server.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { connectPostgres } from '../../services/postgres-pool.ts';
import type { PostgresLink } from '../../services/postgres.ts';
import { cacheTierConformance } from '../conformance.ts';
import { sampleEntry } from '../sample-entry.ts';
import type { CacheEntry, CacheTier } from '../tier.ts';
import { prepareTables, tablesIn } from './postgres-tables.ts';
import { createPostgresTier } from './postgres.ts';

const schema = 'economizer';

/** A link that stands. */
async function linkTo(port: number, maxConnections: number): Promise<PostgresLink> {
  let up = (): void => {};
  const stands = new Promise<void>((resolve) => (up = resolve));
  const link = connectPostgres({
    host: '127.0.0.1',
    port,
    user: 'house',
    database: 'postgres',
    connectMs: 10_000,
    deadlineMs: 10_000,
    maxConnections,
    prepare: (query) => prepareTables(query, tablesIn(schema)),
    onState: ({ connected, error }) => (connected ? up() : console.error(error)),
  });
  await stands;
  return link;
}

describe.skipIf(!hasPostgres)('the PostgreSQL tier', () => {
  let server: PostgresServer;
  let reads: PostgresLink;
  let writes: PostgresLink;
  beforeAll(async () => {
    server = await startPostgres(['fsync=off']);
    // Both at once, as two gateways would: one makes the tables, the other finds them.
    [reads, writes] = await Promise.all([linkTo(server.port, 4), linkTo(server.port, 1)]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([reads?.close(), writes?.close()]);
    await server?.stop();
  });

  const all = (table: string): string => `SELECT count(*) FROM ${schema}.cache_${table}`;
  const emptied = `DELETE FROM ${schema}.cache_entries; DELETE FROM ${schema}.cache_bodies`;
  const cases = cacheTierConformance({
    name: 'postgres',
    create({ clock, maxBytes }) {
      server.sql(emptied);
      const open = (): CacheTier =>
        createPostgresTier({
          reads,
          writes,
          schema,
          secret: { current: 'secret' },
          maxEntryBytes: maxBytes / 8,
          maxBytes,
          clock,
          signals: new Signals(),
        });
      return { tier: open(), reopen: open };
    },
  });
  for (const { name, run } of cases) test(name, run, 30_000);

  function setUp(secret = 'secret', maxBytes = 100_000_000) {
    server.sql(emptied);
    const clock = new SimulatedClock();
    const signals = new Signals();
    const told: string[] = [];
    signals.on('part-failed', ({ error }) => told.push((error as Error).message));
    const options = { reads, writes, schema, maxEntryBytes: 100_000, maxBytes, clock, signals };
    const tier = createPostgresTier({ ...options, secret: { current: secret } });
    const entry = (key: string, bytes = 5000, more: Partial<CacheEntry> = {}) => ({
      ...sampleEntry({ key, now: clock.now(), bytes }),
      ...more,
    });
    return { clock, tier, told, entry };
  }

  /** What the rows say themselves. */
  function recounted(): string {
    return server.sql(`
      SELECT (SELECT count(*) FROM ${schema}.cache_entries) || ' ' ||
        ((SELECT coalesce(sum(size), 0) FROM ${schema}.cache_entries) +
         (SELECT coalesce(sum(size), 0) FROM ${schema}.cache_bodies)) || ' ' ||
        (SELECT count(*) FROM ${schema}.cache_bodies b WHERE refs <>
          (SELECT count(*) FROM ${schema}.cache_entries e WHERE e.body = b.address)) || ' ' ||
        (SELECT coalesce(sum((refs - 1) * size), 0) FROM ${schema}.cache_bodies)`);
  }

  it.each<[string, string, RegExp]>([
    ['of another program', `UPDATE cache_entries SET value = 'hello'`, /is foreign/],
    ['cut short', `UPDATE cache_entries SET value = substring(value FROM 1 FOR 60)`, /is foreign/],
    [
      'with one bit changed',
      `UPDATE cache_entries SET value = set_byte(value, 70, 7)`,
      /is foreign/,
    ],
    ['of another version', `UPDATE cache_entries SET value = set_byte(value, 3, 9)`, /is foreign/],
    ['too large', `UPDATE cache_entries SET size = 1000000`, /is too large/],
    [
      'whose body is cut short',
      `UPDATE cache_bodies SET bytes = substring(bytes FROM 1 FOR 999)`,
      /is damaged/,
    ],
    [
      'whose body is another',
      `UPDATE cache_bodies SET bytes = set_byte(bytes, 99, 7)`,
      /is damaged/,
    ],
    ['whose body is gone', `DELETE FROM cache_bodies`, /is damaged/],
    ['whose body is too large', `UPDATE cache_bodies SET size = 1000000`, /is damaged/],
  ])('takes a value %s as a miss and tells, then keeps the next', async (_name, spoil, message) => {
    const { tier, told, entry } = setUp();
    tier.set(entry('k'));
    await tier.flush();
    server.sql(`SET search_path = ${schema}; ${spoil}`);
    expect(await tier.get('k')).toBeUndefined();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(message);
    await tier.flush();
    expect(server.sql(all('entries'))).toBe('0');
    tier.set(entry('k', 20_000));
    await tier.flush();
    expect(await tier.get('k')).toMatchObject({ key: 'k' });
    expect(told).toHaveLength(1);
  });

  it('never serves what was sealed with another secret or for another key', async () => {
    const [ours, theirs] = [setUp(), setUp('another secret')];
    theirs.tier.set(theirs.entry('k'));
    await theirs.tier.flush();
    expect(await ours.tier.get('k')).toBeUndefined();
    ours.tier.set(ours.entry('k'));
    await ours.tier.flush();
    server.sql(`UPDATE ${schema}.cache_entries SET key = 'other'`);
    expect(await ours.tier.get('other')).toBeUndefined();
    expect(ours.told).toHaveLength(2);
  });

  it('keeps equal bodies once, counts who bears them, and says what that saves', async () => {
    const { tier, entry } = setUp();
    for (const key of ['a', 'b', 'c']) tier.set(entry(key));
    tier.set(entry('alone', 5000, { alone: true }));
    tier.set(entry('small', 500));
    await tier.flush();
    expect(server.sql(all('bodies'))).toBe('2');
    const { sharedBytesSaved = 0 } = await tier.stats();
    expect(sharedBytesSaved).toBeGreaterThan(2 * 5000);
    expect(sharedBytesSaved).toBeLessThan(2 * 5500);
    tier.set(entry('a', 6000));
    await tier.flush();
    await tier.delete('b');
    expect(await tier.stats()).toMatchObject({ sharedBytesSaved: 0, entries: 4 });
    expect(await tier.get('c')).toMatchObject({ key: 'c' });
    await tier.delete('c');
    expect(server.sql(all('bodies'))).toBe('2');
    await tier.clear();
    expect(server.sql(all('bodies'))).toBe('0');
    expect(await tier.stats()).toMatchObject({ entries: 0, bytes: 0, sharedBytesSaved: 0 });
  });

  it('moves what bodies are borne by within one batch, whichever way', async () => {
    const { tier, entry } = setUp();
    tier.set(entry('old', 5000));
    await tier.flush();
    tier.set(entry('new', 5000));
    tier.set(entry('old', 6000));
    await tier.flush();
    for (const key of ['old', 'new']) expect(await tier.get(key)).toMatchObject({ key });
    expect(recounted()).toMatch(/^2 \d+ 0 0$/);
  });

  it('has the right sums when several gateways write at once', async () => {
    const { entry, clock, told } = setUp();
    const links = await Promise.all([0, 1, 2].map(() => linkTo(server.port, 1)));
    const signals = new Signals();
    signals.on('part-failed', ({ error }) => told.push((error as Error).message));
    const tiers = links.map((link) =>
      createPostgresTier({
        reads,
        writes: link,
        schema,
        secret: { current: 'secret' },
        maxEntryBytes: 100_000,
        maxBytes: 300_000,
        clock,
        signals,
      }),
    );
    const writing = tiers.map(async (tier, gateway) => {
      for (let round = 0; round < 12; round++) {
        for (let index = 0; index < 12; index++) {
          // The same keys and the same few bodies everywhere, in other orders.
          const key = `k${(index * (gateway + 5) + round) % 23}`;
          tier.set(entry(key, 4000 + 500 * ((index + gateway + round) % 5)));
          if (index % 5 === gateway) await tier.delete(`k${(index + round) % 23}`);
        }
        await tier.flush();
      }
    });
    await Promise.all(writing);
    const { entries, bytes, sharedBytesSaved } = await tiers[0]!.stats();
    expect(recounted()).toBe(`${entries} ${bytes} 0 ${sharedBytesSaved}`);
    await Promise.all(tiers.map((tier) => tier.close()));
    await Promise.all(links.map((link) => link.close()));
    expect(told).toEqual([]);
  }, 60_000);

  it('removes what has expired in the course of time', async () => {
    const { tier, entry, clock } = setUp();
    tier.set(entry('k'));
    await tier.flush();
    clock.advanceTo(clock.now() + 4_000_000);
    tier.set({ ...entry('later'), staleUntil: clock.now() + 1000 });
    await tier.flush();
    clock.advanceTo(clock.now() + 6000);
    await tier.stats(); // behind the tidying
    expect(server.sql(all('bodies'))).toBe('0');
  });

  it('leaves tables alone that a newer version made, and makes those of an older one anew', async () => {
    const { tier, entry } = setUp();
    tier.set(entry('k'));
    await tier.flush();
    const tables = tablesIn(schema);
    const query = writes.query.bind(writes);
    server.sql(`UPDATE ${schema}.cache_version SET version = 2`);
    await expect(prepareTables(query, tables)).rejects.toThrow(/version 2.*upgrade it/);
    server.sql(`UPDATE ${schema}.cache_version SET version = 0`);
    await prepareTables(query, tables);
    expect(await tier.get('k')).toBeUndefined();
    tier.set(entry('k'));
    await tier.flush();
    expect(await tier.get('k')).toMatchObject({ key: 'k' });
  });
});
