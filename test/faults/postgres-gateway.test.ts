import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chat, send, startHouse, type House } from '../e2e/harness.ts';
import { hasPostgres, startPostgres, type PostgresServer } from '../services/postgres-server.ts';

const path = '/v1/chat/completions';

async function postgres(): Promise<PostgresServer> {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  return server;
}

/** Asks what nobody has asked before, one call after the other; how long each took, in milliseconds. */
async function ask({ url }: House, label: string, calls: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < calls; index++) {
    const from = performance.now();
    const body = chat({ temperature: 0, user_question: `${label} ${index}` });
    const answer = await send(url + path, body);
    times.push(performance.now() - from);
    expect(answer.status).toBe(200);
  }
  return times;
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[times.length >> 1]!;

/** PostgreSQL alone, so that nothing hides whether it works. */
function kept(server: PostgresServer) {
  const cache = { memory: { enabled: false }, disk: { enabled: false } };
  return startHouse({ config: { postgres: { url: server.url }, cache } });
}

async function isKept(house: House, label: string): Promise<boolean> {
  const body = chat({ temperature: 0, user_question: label });
  await send(house.url + path, body);
  await house.gateway.assembly.stack.flush();
  const again = await send(house.url + path, body);
  expect(again.status).toBe(200);
  return String(again.headers['cache-status']).includes('detail=l3-postgres');
}

/** Waits until answers are kept there again; every call on the way is answered. */
async function untilKept(house: House): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isKept(house, `again ${Math.random()}`)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('PostgreSQL is not used again');
}

function adrift(server: PostgresServer): string {
  return server.sql(`
    SELECT count(*) FROM economizer.cache_bodies b WHERE refs <>
      (SELECT count(*) FROM economizer.cache_entries e WHERE e.body = b.address)
    UNION ALL
    SELECT count(*) FROM economizer.cache_entries WHERE body IS NOT NULL
      AND body NOT IN (SELECT address FROM economizer.cache_bodies)
    UNION ALL
    SELECT (SELECT coalesce(sum(size), 0) FROM economizer.cache_entries) +
      (SELECT coalesce(sum(size), 0) FROM economizer.cache_bodies) -
      (SELECT coalesce(sum(bytes), 0) FROM economizer.cache_totals)`);
}

describe.skipIf(!hasPostgres)('a gateway whose PostgreSQL', () => {
  it('is stopped answers in time, and uses it again when it goes on', async () => {
    const server = await postgres();
    const house = await kept(server);
    await untilKept(house);
    const usual = await ask(house, 'usual', 100);
    server.pause();
    const [first, ...later] = await ask(house, 'stopped', 100);
    // The lookup's own 20 ms, then nothing. The rest is for machines that are busy.
    expect(first).toBeLessThan(median(usual) + 150);
    expect(median(later)).toBeLessThan(median(usual) + 10);
    server.resume();
    await untilKept(house);
  }, 60_000);

  it('is stopped for longer than a connection is held answers all the while', async () => {
    const server = await postgres();
    const house = await kept(server);
    await untilKept(house);
    server.pause();
    const end = Date.now() + 6000;
    for (let round = 0; Date.now() < end; round++) {
      const times = await ask(house, `long ${round}`, 5);
      expect(median(times)).toBeLessThan(200);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    server.resume();
    await untilKept(house);
  }, 60_000);

  it('is killed and started again answers all the while, and has what it was given long before', async () => {
    const server = await postgres();
    const house = await kept(server);
    await untilKept(house);
    const body = chat({ temperature: 0, user_question: 'before the fall' });
    await send(house.url + path, body);
    await house.gateway.assembly.stack.flush();
    server.sql('CHECKPOINT');
    // Killed while it is being written to.
    const asking = ask(house, 'falling', 200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.kill();
    await asking;
    await server.start();
    await untilKept(house);
    const again = await send(house.url + path, body);
    expect(again.headers['cache-status']).toMatch(/detail=l3-postgres/);
    await house.gateway.assembly.stack.flush();
    expect(adrift(server)).toBe('0\n0\n0');
  }, 60_000);

  it('is restarted in peace loses nothing, and no call', async () => {
    const server = await postgres();
    const house = await kept(server);
    await untilKept(house);
    const body = chat({ temperature: 0, user_question: 'before the restart' });
    await send(house.url + path, body);
    await house.gateway.assembly.stack.flush();
    await server.shutDown();
    await ask(house, 'down', 50);
    await server.start();
    await untilKept(house);
    const again = await send(house.url + path, body);
    expect(again.headers['cache-status']).toMatch(/detail=l3-postgres/);
  }, 60_000);

  it('is not there at the start is used as soon as it is', async () => {
    const server = await postgres();
    await server.shutDown();
    const house = await kept(server);
    await ask(house, 'nobody', 20);
    await server.start();
    await untilKept(house);
  }, 60_000);

  it('loses its tables under way makes them anew', async () => {
    const server = await postgres();
    const house = await kept(server);
    await untilKept(house);
    server.sql('DROP SCHEMA economizer CASCADE');
    await ask(house, 'no tables', 10);
    await untilKept(house);
  }, 60_000);

  it('never tells the password that it was given', async () => {
    const server = await postgres();
    const told: string[] = [];
    const url = server.url.replace('house@', 'nobody:hunter2@');
    const house = await startHouse({ config: { postgres: { url } } });
    house.signals.on('part-failed', ({ error }) =>
      told.push(JSON.stringify(error), String(error), inspect(error, { depth: 9 })),
    );
    await ask(house, 'no such user', 3);
    for (let wait = 0; wait < 100 && told.length === 0; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(told.join()).toMatch(/nobody/);
    expect(told.join()).not.toMatch(/hunter2/);
  }, 60_000);
});
