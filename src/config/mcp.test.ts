import { describe, expect, it } from 'vitest';
import { configOf } from './load.ts';

const command = ['node', 'server.js'];

/** The configuration with one server. */
function withServer(server: object) {
  return configOf({ mcp: { servers: { fixture: server } } });
}

describe('mcp.servers', () => {
  it('takes a command or a URL, and the usual of a tool', () => {
    const [server] = withServer({ command, tools: { search: {} } }).mcp.servers;
    expect(server).toMatchObject({ name: 'fixture', command, listsMs: 0, readsMs: 0 });
    expect(server!.tools).toMatchObject([
      { name: 'search', mode: 'cache', scope: { kind: 'user' }, volatile: [], invalidates: 'all' },
    ]);
    const remote = withServer({ url: 'https://mcp.example.com/mcp', lists: '5m' }).mcp.servers[0];
    expect(remote).toMatchObject({ url: 'https://mcp.example.com/mcp', listsMs: 300_000 });
  });

  it.each<[string, object]>([
    ['must be there, or url instead', {}],
    ['exactly one of the two', { command, url: 'http://127.0.0.1:1/mcp' }],
    ['mcp.servers.fixture.command must name a program', { command: [] }],
    ['mcp.servers.fixture.url must be a URL', { url: 'ftp://x' }],
    [
      'tools.x.mode must be one of: cache, read, write',
      { command, tools: { x: { mode: 'guess' } } },
    ],
    [
      'tools.x.scope must be user, tenant or shared:NAME',
      { command, tools: { x: { scope: 'all' } } },
    ],
    ['tools.x.ttl must be a duration', { command, tools: { x: { ttl: '10' } } }],
    ['tools.x.volatile must be paths', { command, tools: { x: { volatile: ['a..b'] } } }],
    ['tools.x.price_usd must be US dollars', { command, tools: { x: { price_usd: -1 } } }],
    ['y is not', { command, tools: { x: { mode: 'write', invalidates: ['y'] } } }],
    ['annotations', { command, tools: { x: { annotations: 'trust' } } }],
  ])('refuses what cannot be: %s', (problem, server) => {
    expect(() => withServer(server)).toThrow(problem);
  });

  it('refuses names that would not fit into a tag or a path', () => {
    expect(() => configOf({ mcp: { servers: { 'a b': { command } } } })).toThrow('a b');
  });
});
