import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { assemble } from '../../src/assembly/assembly.ts';
import { loadConfig } from '../../src/config/load.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { placeOf, serverCacheOf } from '../../src/assembly/mcp-parts.ts';
import { openServer } from '../../src/mcp/open-server.ts';
import { HttpServing, type ServeHttpOptions } from '../../src/mcp/serve-http.ts';
import { configFile, fixtureCommand, httpClient, httpFixture } from './harness.ts';

/** `economizer mcp --listen` in this process. */
async function proxy(server: object, options: Partial<ServeHttpOptions> = {}) {
  const config = await loadConfig({ file: configFile(server), environment: {} });
  const signals = new Signals();
  const assembly = assemble({ config, clock: systemClock, signals });
  const [described] = config.mcp.servers;
  const place = placeOf(described!);
  const serving = new HttpServing({
    name: 'fixture',
    host: '127.0.0.1',
    port: 0,
    open: (shown) => openServer(place, described!.forwardAuthorization ? shown : undefined),
    cache: serverCacheOf(described!, assembly.tools),
    clock: systemClock,
    signals,
    tenant: 'default',
    sessionsMax: 10,
    idleMs: 60_000,
    maxMessageBytes: 1_000_000,
    ...options,
  });
  const url = await serving.listen();
  onTestFinished(async () => {
    await serving.close();
    await assembly.close();
  });
  return { url, assembly };
}

const read = { name: 'read_item', arguments: { id: 'a' } };
const tenantWide = { tools: { read_item: { scope: 'tenant' } } };

describe('economizer mcp over streamable HTTP', { timeout: 60_000 }, () => {
  it('passes through and keeps, with a server over HTTP', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url });
    const client = await httpClient(url, 'Bearer ann');
    expect(client.getInstructions()).toBe('be kind');
    await client.listTools();
    const first = await client.callTool(read);
    expect(await client.callTool(read)).toEqual(first);
    const odd = { method: 'odd/thing', params: { x: 1 } };
    expect(await client.request(odd as never, ResultSchema)).toEqual({ echo: { x: 1 } });
    const progress: unknown[] = [];
    const options = { onprogress: (each: unknown) => progress.push(each) };
    await client.callTool({ name: 'slow', arguments: { ms: 50 } }, undefined, options);
    expect(progress).toHaveLength(1);
    expect(fixture.world.asked.filter((each) => each === 'tools/call read_item')).toHaveLength(1);
  });

  it('never gives one user what another got, unless the policy says so', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url });
    const ann = await httpClient(url, 'Bearer ann');
    const bob = await httpClient(url, 'Bearer bob');
    expect(await ann.callTool(read)).toMatchObject({ n: 1 });
    expect(await bob.callTool(read)).toMatchObject({ n: 2 });
    expect(await ann.callTool(read)).toMatchObject({ n: 1 });
    // The same credential in another session is the same user; no credential is one of its own.
    expect(await (await httpClient(url, 'Bearer ann')).callTool(read)).toMatchObject({ n: 1 });
    expect(await (await httpClient(url)).callTool(read)).toMatchObject({ n: 3 });
    expect(await (await httpClient(url)).callTool(read)).toMatchObject({ n: 4 });
    const shared = await proxy({ url: fixture.url, ...tenantWide });
    const one = await (await httpClient(shared.url, 'Bearer ann')).callTool(read);
    expect(await (await httpClient(shared.url, 'Bearer bob')).callTool(read)).toEqual(one);
  });

  it('gives private resources to their user only, and public lists to all', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url });
    for (const name of ['ann', 'bob']) {
      const client = await httpClient(url, `Bearer ${name}`);
      await client.listTools();
      await client.readResource({ uri: 'item:a' });
    }
    const times = (what: string) => fixture.world.asked.filter((each) => each === what).length;
    expect(times('tools/list')).toBe(1);
    expect(times('resources/read item:a')).toBe(2);
  });

  it('takes away what one user changed from all', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url, ...tenantWide });
    const ann = await httpClient(url, 'Bearer ann');
    const bob = await httpClient(url, 'Bearer bob');
    expect(await ann.callTool(read)).toMatchObject({ content: [{ text: 'none' }] });
    await bob.callTool({ name: 'write_item', arguments: { id: 'a', text: 'bob was here' } });
    expect(await ann.callTool(read)).toMatchObject({ content: [{ text: 'bob was here' }] });
  });

  it('hears from the server what has changed, before the client does', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url, tools: { touch: { mode: 'read' } } });
    const client = await httpClient(url, 'Bearer ann');
    await client.readResource({ uri: 'item:a' });
    await client.callTool({ name: 'touch' });
    const { contents } = await client.readResource({ uri: 'item:a' });
    expect(contents[0]).toMatchObject({ text: 'none (2)' });
  });

  it('begins a new session with a server that has forgotten the old one', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url });
    const client = await httpClient(url, 'Bearer ann');
    expect(await client.callTool(read)).toMatchObject({ n: 1 });
    fixture.forget();
    await client.callTool({ name: 'peek' });
    expect(await client.callTool(read)).toMatchObject({ n: 2 });
  });

  it('tells of a server that is away, and goes on when it is back', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url });
    const client = await httpClient(url, 'Bearer ann');
    expect(await client.callTool(read)).toMatchObject({ n: 1 });
    await fixture.close();
    await expect(client.callTool({ name: 'peek' })).rejects.toThrow('cannot be reached');
    // What is kept needs no server.
    expect(await client.callTool(read)).toMatchObject({ n: 1 });
  });

  it('shows a server the client’s credential only where the configuration says so', async () => {
    for (const [server, shown] of [
      [{}, undefined],
      [{ forward_authorization: true }, 'Bearer ann'],
      [{ headers: { authorization: 'Bearer ours' } }, 'Bearer ours'],
    ] as const) {
      const fixture = await httpFixture();
      const { url } = await proxy({ url: fixture.url, ...server });
      await (await httpClient(url, 'Bearer ann')).callTool(read);
      expect(new Set(fixture.shown)).toEqual(new Set([shown]));
    }
  });

  it('starts a server of its own for each session, and one that died again', async () => {
    const { url } = await proxy({ command: fixtureCommand });
    const ann = await httpClient(url, 'Bearer ann');
    const bob = await httpClient(url, 'Bearer bob');
    await ann.callTool({ name: 'write_item', arguments: { id: 'a', text: 'of ann' } });
    expect(await bob.callTool(read)).toMatchObject({ content: [{ text: 'none' }] });
    await expect(ann.callTool({ name: 'crash' })).rejects.toThrow('went away');
    expect(await ann.callTool(read)).toMatchObject({ content: [{ text: 'none' }], n: 1 });
    expect(await bob.callTool({ name: 'touch' })).toMatchObject({ n: 1 });
  });

  it('books what it saved', async () => {
    const fixture = await httpFixture();
    const tools = { slow: { price_usd: 0.002 } };
    const { url, assembly } = await proxy({ url: fixture.url, tools });
    const client = await httpClient(url, 'Bearer ann');
    const slow = { name: 'slow', arguments: { ms: 100 } };
    await client.callTool(slow);
    await client.callTool(slow);
    const [hit, miss] = await assembly.ledger!.recent(2);
    expect(miss).toMatchObject({
      provider: 'tool',
      path: 'mcp:fixture/slow',
      source: 'upstream',
      costNanos: 2e6,
    });
    expect(hit).toMatchObject({
      source: 'l1',
      costNanos: 0,
      savedNanos: 2e6,
      savedBy: 'tool-cache',
    });
    expect(hit!.savedMs).toBeGreaterThan(50);
  });

  it('serves this machine only, sessions that are there, and not more of them than allowed', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url }, { sessionsMax: 1 });
    const post = (headers: Record<string, string>, body = '{}', to = url) =>
      fetch(to, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body,
      });
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({ 'mcp-session-id': 'guess' })).status).toBe(404);
    expect((await post({}, '{}', url.replace('/mcp', '/other'))).status).toBe(404);
    expect((await post({}, 'x'.repeat(2_000_000))).status).toBe(413);
    expect((await post({}, '{')).status).toBe(400);
    await httpClient(url);
    await expect(httpClient(url)).rejects.toThrow('1 sessions already');
  });

  it('ends sessions that say nothing', async () => {
    const fixture = await httpFixture();
    const { url } = await proxy({ url: fixture.url }, { idleMs: 50 });
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'x', version: '1' },
      },
    });
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    const begun = await fetch(url, { method: 'POST', headers, body });
    await begun.text();
    const session = begun.headers.get('mcp-session-id')!;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const later = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'mcp-session-id': session },
      body,
    });
    expect(later.status).toBe(404);
  });
});
