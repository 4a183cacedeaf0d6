import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../e2e/harness.ts';
import { fixtureServer, newWorld, type World } from './server.ts';

const fixture = fileURLToPath(new URL('./stdio-server.ts', import.meta.url));
export const fixtureCommand = [process.execPath, fixture];

/** The tools of the fixture, as an operator might describe them. */
export const usualTools = {
  read_item: { ttl: '1h', volatile: ['trace_id'] },
  slow: {},
  fail: {},
  huge: { max_bytes: 1000 },
  ask: {},
  peek: { mode: 'read' },
};

/** A configuration file with one server. */
export function configFile(server: object, rest: object = {}): string {
  const folder = temporaryFolder();
  const file = join(folder, 'economizer.json');
  const mcp = { servers: { fixture: { tools: usualTools, ...server } } };
  writeFileSync(file, JSON.stringify({ data: join(folder, 'data'), mcp, ...rest }));
  return file;
}

const cli = fileURLToPath(new URL('../../src/cli/economizer.ts', import.meta.url));

export function mcpCommand(config: string, ...flags: string[]): string[] {
  return [cli, 'mcp', '--config', config, ...flags];
}

export function newClient(capabilities: object = { sampling: {} }): Client {
  return new Client({ name: 'test', version: '1' }, { capabilities });
}

/** The real client, speaking over stdio to `economizer mcp`. */
export async function stdioClient(config: string, ...flags: string[]): Promise<Client> {
  const client = newClient();
  const args = mcpCommand(config, ...flags);
  await client.connect(new StdioClientTransport({ command: process.execPath, args }));
  onTestFinished(() => client.close());
  return client;
}

/** The real client over streamable HTTP, with a credential if one is given. */
export async function httpClient(url: string, authorization?: string): Promise<Client> {
  const client = newClient();
  const headers = authorization === undefined ? {} : { authorization };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  );
  onTestFinished(() => client.close());
  return client;
}

export interface HttpFixture {
  readonly url: string;
  readonly world: World;
  /** `Authorization` of each request that came. */
  readonly shown: (string | undefined)[];
  /** Forgets all sessions, as a server that was started anew has. */
  forget(): void;
  close(): Promise<void>;
}

/** The fixture's server over streamable HTTP. */
export async function httpFixture(): Promise<HttpFixture> {
  const world = newWorld();
  const shown: (string | undefined)[] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const http = createServer((request, response) => {
    void (async () => {
      shown.push(request.headers.authorization);
      const id = request.headers['mcp-session-id'];
      if (id !== undefined) {
        const known = sessions.get(String(id));
        if (known === undefined) {
          response.writeHead(404).end();
          return;
        }
        await known.handleRequest(request, response);
        return;
      }
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => void sessions.set(session, transport),
      });
      await fixtureServer(world).connect(transport);
      await transport.handleRequest(request, response);
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    http.closeAllConnections();
    await new Promise<void>((resolve) => http.close(() => resolve()));
  };
  onTestFinished(close);
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  return { url, world, shown, forget: () => sessions.clear(), close };
}
