import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf } from '../kernel/digest.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Channel, MessageExtra } from './channel.ts';
import { ProxySession, type ProxySessionOptions } from './proxy-session.ts';
import { sdk } from './sdk.ts';

export interface ServeHttpOptions extends Omit<
  ProxySessionOptions,
  'client' | 'onClose' | 'userOf' | 'open'
> {
  /** Opens a server for a session; `authorization` is the credential that its client last showed. */
  readonly open: (authorization: () => string | undefined) => Channel | Promise<Channel>;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Sessions at the same time; each has a connection to the server of its own. */
  readonly sessionsMax: number;
  /** A session that says nothing for so long is ended, in milliseconds. */
  readonly idleMs: number;
  /** The largest message that is taken from a client, in bytes. */
  readonly maxMessageBytes: number;
}

/** The one path that is served. */
const path = '/mcp';
const localNames = new Set(['localhost', '127.0.0.1', '[::1]']);

interface Transport extends Channel {
  handleRequest(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

interface Kept {
  readonly transport: Transport;
  readonly session: ProxySession;
  underWay: number;
  endIdle: () => void;
}

/** Serves any number of clients over streamable HTTP, each in a session of its own. Only this machine is served. */
export class HttpServing {
  readonly #options: ServeHttpOptions;
  readonly #sessions = new Map<string, Kept>();
  readonly #server: Server;
  #opening = 0;

  constructor(options: ServeHttpOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** @returns where it listens. @throws EconomizerError `ECO_PORT_TAKEN`. */
  async listen(): Promise<string> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) =>
        reject(
          new EconomizerError(
            'ECO_PORT_TAKEN',
            `Choose another address than ${host}:${port}: it is taken or not allowed.`,
            { cause },
          ),
        ),
      );
      this.#server.listen(port, host, resolve);
    });
    const { port: taken } = this.#server.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${taken}${path}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#sessions.values()].map(({ session }) => session.close()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const refusal = refusalOf(request);
      if (refusal !== undefined) return refuse(response, refusal[0], refusal[1]);
      const id = request.headers['mcp-session-id'];
      if (id === undefined) return await this.#begin(request, response);
      const kept = this.#sessions.get(String(id));
      if (kept === undefined) return refuse(response, 404, 'There is no such session (any more).');
      await this.#within(kept, request, response);
    } catch (error) {
      const { name, signals } = this.#options;
      signals.emit('part-failed', { part: `mcp.${name}`, operation: 'serve', error });
      if (!response.headersSent) refuse(response, 500, 'Economizer failed to serve this request.');
    }
  }

  /** A request outside of any session may begin one, if it says so; the transport judges. */
  async #begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sessionsMax, maxMessageBytes, open, ...rest } = this.#options;
    if (this.#sessions.size + this.#opening >= sessionsMax) {
      return refuse(response, 503, `There are ${sessionsMax} sessions already; end some.`);
    }
    this.#opening++;
    const shown = { authorization: request.headers.authorization };
    try {
      const { StreamableHTTPServerTransport } = await sdk.httpServer();
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => this.#keep(id, transport, session),
        maxRequestBodySize: maxMessageBytes,
      }) as Transport;
      const session: ProxySession = new ProxySession({
        ...rest,
        client: transport,
        open: () => open(() => shown.authorization),
        userOf(extra) {
          shown.authorization = authorizationIn(extra) ?? shown.authorization;
          return userOf(extra, transport.sessionId);
        },
        onClose: () => this.#forget(transport.sessionId),
      });
      await session.start();
      await transport.handleRequest(request, response);
      if (transport.sessionId === undefined) await session.close();
    } finally {
      this.#opening--;
    }
  }

  async #within(kept: Kept, request: IncomingMessage, response: ServerResponse): Promise<void> {
    kept.underWay++;
    kept.endIdle();
    response.once('close', () => {
      kept.underWay--;
      if (kept.underWay === 0) this.#wait(kept);
    });
    await kept.transport.handleRequest(request, response);
  }

  #keep(id: string, transport: Transport, session: ProxySession): void {
    const kept: Kept = { transport, session, underWay: 0, endIdle: () => {} };
    this.#sessions.set(id, kept);
    this.#wait(kept);
  }

  #wait(kept: Kept): void {
    kept.endIdle();
    const { clock, idleMs } = this.#options;
    kept.endIdle = clock.after(idleMs, () => void kept.session.close());
  }

  #forget(id: string | undefined): void {
    if (id === undefined) return;
    this.#sessions.get(id)?.endIdle();
    this.#sessions.delete(id);
  }
}

/** Whose a message is: the holder of the credential that came with it, else the session. */
function userOf(extra: MessageExtra | undefined, session: string | undefined): string {
  const shown = authorizationIn(extra);
  return shown === undefined ? `session:${session ?? ''}` : `credential:${digestOf(shown)}`;
}

function authorizationIn(extra: MessageExtra | undefined): string | undefined {
  const value = extra?.requestInfo?.headers['authorization'];
  return typeof value === 'string' ? value : undefined;
}

/** A web page that a browser on this machine shows must not reach what only this machine may. */
function refusalOf({ url, headers }: IncomingMessage): readonly [number, string] | undefined {
  const { pathname } = new URL(url ?? '/', 'http://localhost');
  if (pathname !== path) return [404, `Only ${path} is served.`];
  const { host = '', origin } = headers;
  const isLocal = (name: string): boolean => localNames.has(name.replace(/:\d+$/, ''));
  if (!isLocal(host)) return [403, 'Only this machine is served: call it localhost.'];
  if (origin === undefined) return undefined;
  const isOwn = URL.canParse(origin) && isLocal(new URL(origin).host);
  return isOwn ? undefined : [403, 'Web pages from elsewhere are not served.'];
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const error = { code: -32_000, message };
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
}
