import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  hasPostgres,
  startPostgres,
  type PostgresServer,
} from '../../test/services/postgres-server.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { connectPostgres } from './postgres-pool.ts';
import type { PostgresLink, PostgresLinkOptions } from './postgres.ts';

const nap = { name: 'nap', text: 'SELECT pg_sleep($1)' };
const one = { name: 'one', text: 'SELECT 1 AS n' };

describe.skipIf(!hasPostgres)('a link to PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres(['fsync=off']);
  }, 60_000);
  afterAll(() => server.stop());

  /** Resolves when it stands or cannot. */
  function linkWith(more: Partial<PostgresLinkOptions> = {}): Promise<{
    readonly link: PostgresLink;
    readonly state: string;
  }> {
    return new Promise((resolve) => {
      const link: PostgresLink = connectPostgres({
        host: '127.0.0.1',
        port: server.port,
        user: 'house',
        database: 'postgres',
        connectMs: 10_000,
        maxConnections: 3,
        deadlineMs: 10_000,
        ...more,
        onState: ({ connected, error }) =>
          resolve({ link, state: connected ? 'up' : String(error) }),
      });
      onTestFinished(() => link.close());
    });
  }

  it('lets nobody wait for it who began before it was closed', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const clock = new SimulatedClock();
    const place = { host: '127.0.0.1', port, user: 'house', database: 'postgres' };
    const link = connectPostgres(
      { ...place, connectMs: 1000, maxConnections: 1, deadlineMs: 1000 },
      clock,
    );
    const closing = link.close();
    await link.tried;
    clock.advance(1000);
    await closing;
  });

  it('has as many connections as it may, and lets the rest wait', async () => {
    const { link } = await linkWith();
    const asked = Promise.all(Array.from({ length: 30 }, () => link.query(nap, [0.02])));
    const count = {
      name: 'count',
      text: "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'economizer'",
    };
    const [row] = await link.query(count);
    await asked;
    expect(row!['n']).toBeLessThanOrEqual(3);
    const [again] = await link.query(count);
    expect(again!['n']).toBe(3);
  });

  it('has its deadline at the server too, and goes on after what was late', async () => {
    const { link } = await linkWith({ deadlineMs: 300, maxConnections: 1 });
    await expect(link.query(nap, [20])).rejects.toThrow(/did not answer within 300 ms|\(57014\)/);
    for (let tries = 0; tries < 100 && !link.connected; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await link.query(one)).toEqual([{ n: 1 }]);
    const running = server.sql(
      "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()",
    );
    expect(running).toBe('0');
  });

  it('is prepared before it is used, each connection for itself', async () => {
    let prepared = 0;
    const { link } = await linkWith({
      async prepare(query) {
        await query(one);
        prepared++;
      },
    });
    await Promise.all(Array.from({ length: 20 }, () => link.query(nap, [0.02])));
    expect(prepared).toBe(3);
  });

  it('logs in with a password over an encrypted connection whose certificate it checks', async () => {
    const { uid, gid } = statSync(server.data);
    const [cert, key] = [join(server.data, 'server.crt'), join(server.data, 'server.key')];
    const subject = ['-subj', '/CN=db.house', '-addext', 'subjectAltName=DNS:db.house'];
    const files = ['-keyout', key, '-out', cert];
    spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files]);
    for (const file of [cert, key]) chownSync(file, uid, gid);
    chmodSync(key, 0o600);
    server.sql(
      "SET password_encryption = 'scram-sha-256'; CREATE ROLE guarded LOGIN PASSWORD 'open sesame'",
    );
    server.sql('ALTER SYSTEM SET ssl = on');
    const former = readFileSync(join(server.data, 'pg_hba.conf'), 'utf8');
    const rules = `hostssl all guarded all scram-sha-256\nhost all guarded all reject\n${former}`;
    writeFileSync(join(server.data, 'pg_hba.conf'), rules);
    server.sql('SELECT pg_reload_conf()');

    const ca = readFileSync(cert);
    const tls = { ca, cert: undefined, key: undefined, serverName: 'db.house' };
    const guarded = { user: 'guarded', password: 'open sesame', tls };
    let state = '';
    for (let tries = 0; tries < 20 && state !== 'up'; tries++) {
      ({ state } = await linkWith(guarded));
    }
    expect(state).toBe('up');
    const encrypted = {
      name: 'e',
      text: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    };
    const { link } = await linkWith(guarded);
    expect(await link.query(encrypted)).toEqual([{ ssl: true }]);
    const wrong = await linkWith({ ...guarded, password: 'close sesame' });
    expect(wrong.state).toMatch(/password authentication failed/);
    expect(wrong.state).not.toMatch(/close sesame/);
    const stranger = await linkWith({ ...guarded, tls: { ...tls, ca: undefined } });
    expect(stranger.state).toMatch(/self-signed certificate/);
    const elsewhere = await linkWith({ ...guarded, tls: { ...tls, serverName: 'other.house' } });
    expect(elsewhere.state).toMatch(/altnames|does not match/);
    expect((await linkWith({ ...guarded, tls: undefined })).state).toMatch(/pg_hba|reject/);
  }, 30_000);
});
