import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  hasPostgres,
  startPostgres,
  type PostgresServer,
} from '../../test/services/postgres-server.ts';
import { listenToPostgres } from './postgres-ear.ts';

async function listening(server: PostgresServer) {
  const heard: string[] = [];
  const ear = listenToPostgres({
    host: '127.0.0.1',
    port: server.port,
    user: 'house',
    database: 'postgres',
    connectMs: 5000,
    deadlineMs: 5000,
    channel: 'news',
    onNotice: (payload) => heard.push(payload),
    onGap: () => heard.push('gap'),
    onFailure: () => heard.push('failure'),
  });
  onTestFinished(() => ear.close());
  await ear.tried;
  return { ear, heard };
}

const patience = { timeout: 30_000 };

describe.skipIf(!hasPostgres)('an ear at PostgreSQL', () => {
  it('hears its channel, and of the gap when the server was gone or silent', async () => {
    const server = await startPostgres(['fsync=off']);
    onTestFinished(() => server.stop());
    const { ear, heard } = await listening(server);
    server.sql(`NOTIFY other, 'not this'; NOTIFY news, 'one'`);
    await vi.waitFor(() => expect(heard).toEqual(['gap', 'one']), patience);

    heard.length = 0;
    await server.kill();
    await vi.waitFor(() => expect(heard).toEqual(['failure']), patience);
    await server.start();
    await vi.waitFor(() => expect(heard).toEqual(['failure', 'gap']), patience);

    heard.length = 0;
    server.pause();
    await vi.waitFor(() => expect(heard).toEqual(['failure']), patience);
    server.resume();
    await vi.waitFor(() => expect(heard).toEqual(['failure', 'gap']), patience);
    server.sql(`NOTIFY news, 'two'`);
    await vi.waitFor(() => expect(heard).toEqual(['failure', 'gap', 'two']), patience);

    await ear.close();
    await server.kill();
    expect(heard).toHaveLength(3);
  }, 90_000);

  it('tells once that nothing can be heard', async () => {
    const server = await startPostgres(['fsync=off']);
    await server.stop();
    const { ear, heard } = await listening(server);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(heard).toEqual(['failure']);
    await ear.close();
  }, 60_000);
});
