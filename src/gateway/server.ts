import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Call } from '../exchange/call.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Pipeline } from '../pipeline/stages.ts';
import { adminPrefix, type AdminApi } from './admin/api.ts';
import { edgePrefix, type EdgeDoor } from './edge/edge-door.ts';
import { beginQuery, withoutCacheFields, writeKept } from './edge/query-reply.ts';
import { limitCall } from './call-limit.ts';
import {
  openCall,
  withStreamedBody,
  withWholeBody,
  type DoorOptions,
  type OpenedCall,
} from './open-call.ts';
import { refuseConnection } from './client-error.ts';
import { hasBody, readBody, streamBody } from './request-body.ts';
import { callerLeft, writeError, writeReply } from './reply-writer.ts';
import { errorDialect } from './error-dialect.ts';
import { queryMethod } from './routes.ts';

/** Limits of the edge. Times in milliseconds. */
export interface GatewayLimits {
  /** A request body that must be understood may have this many bytes. */
  readonly bodyBytes: number;
  readonly headerBytes: number;
  readonly headers: number;
  /** Calls under way at once; more are turned away. */
  readonly concurrentCalls: number;
  /** For a request to come in whole. */
  readonly receiveMs: number;
  /** For a call as a whole; undefined for none. */
  readonly totalMs: number | undefined;
}

export interface GatewayOptions extends DoorOptions {
  readonly pipeline: Pipeline;
  readonly limits: GatewayLimits;
  readonly admin: AdminApi;
  /** Undefined where no answers are shared through an edge. */
  readonly edge?: EdgeDoor | undefined;
}

/** Longer than clients and balancers keep idle connections, so that they close first and no request meets a closing socket. */
const keepAliveMs = 75_000;

/** The HTTP edge. Requests become calls here and replies become responses; nothing further in knows HTTP. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #server: Server;
  #running = 0;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { headerBytes, headers, receiveMs } = options.limits;
    this.#server = createServer(
      {
        maxHeaderSize: headerBytes,
        requestTimeout: receiveMs,
        // How late the limit may strike; Node looks every 30 seconds by itself.
        connectionsCheckingInterval: Math.min(30_000, Math.max(100, receiveMs / 10)),
        keepAliveTimeout: keepAliveMs,
      },
      (request, response) => void this.#handle(request, response),
    );
    this.#server.maxHeadersCount = headers;
    this.#server.on('clientError', refuseConnection);
  }

  /** Opens the port; resolves with the address. @throws EconomizerError `ECO_PORT_TAKEN`. */
  listen(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const message = `Cannot listen on ${host}:${port} (${cause.code ?? cause.message}); choose another with --port or listen.port.`;
        reject(new EconomizerError('ECO_PORT_TAKEN', message, { cause }));
      });
      this.#server.listen(port, host, () => {
        const address = this.#server.address() as AddressInfo;
        const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
        resolve(`http://${name}:${address.port}`);
      });
    });
  }

  /** Takes no new calls and resolves when those under way are through, or after `graceMs`, when what is left is cut off. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#server.close();
    this.#server.closeIdleConnections();
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const stop = this.#options.clock.after(graceMs, resolve);
        this.#onIdle = () => {
          stop();
          resolve();
        };
      });
    }
    this.#server.closeAllConnections();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/health') {
      response.end(this.#stopping ? 'stopping\n' : 'ok\n');
      return;
    }
    const { method = 'GET', url: target = '/', rawHeaders } = request;
    if (target.startsWith(adminPrefix)) {
      await this.#options.admin.handle(request, response, target.slice(adminPrefix.length));
      return;
    }
    const { edge } = this.#options;
    if (edge !== undefined && target.startsWith(edgePrefix)) {
      await edge.handle(request, response, target.slice(edgePrefix.length));
      return;
    }
    const opened = openCall(
      { method, target, rawHeaders, peer: request.socket.remoteAddress ?? '' },
      this.#options,
    );
    this.#watch(response, opened.call);
    const isQuery = method === queryMethod;
    if (isQuery) beginQuery(response, opened.call);
    const { pipeline, clock } = this.#options;
    try {
      const fault = opened.fault ?? this.#fullOrStopping();
      if (fault !== undefined) throw fault;
      const call = await this.#receive(opened, request);
      const reply = await pipeline.run(call);
      if (isQuery && writeKept(response, call, reply, this.#keyEndsInMs(opened))) return;
      const passed = isQuery ? withoutCacheFields(reply) : reply;
      writeReply(response, call, passed, { nowTick: clock.tick(), fallback: errorDialect(call) });
    } catch (cause) {
      const error = EconomizerError.from(cause);
      // The pipeline books what it was given; what never got there is booked as turned away.
      if (opened.call.account.outcome === undefined) await pipeline.refuse(opened.call, error);
      this.#answer(response, opened, error);
    }
  }

  #keyEndsInMs({ headers }: OpenedCall): number {
    const { access, clock } = this.#options;
    return (access.endOf(headers?.credential) ?? Infinity) - clock.now();
  }

  async #receive(opened: OpenedCall, request: IncomingMessage): Promise<Call> {
    if (opened.call.dialect === undefined) {
      return hasBody(request) ? withStreamedBody(opened, streamBody(request)) : opened.call;
    }
    const body = await readBody(request, {
      bodyBytes: this.#options.limits.bodyBytes,
      contentLength: opened.headers?.contentLength,
      cancellation: opened.call.cancellation,
    });
    return withWholeBody(opened, body, this.#options.routes);
  }

  #answer(response: ServerResponse, { call, route }: OpenedCall, error: EconomizerError): void {
    writeError(response, error, { dialect: errorDialect(call, route), call });
  }

  /** Keeps count, and carries the caller's leaving and its deadline into the call. */
  #watch(response: ServerResponse, call: Call): void {
    this.#running++;
    const stop = limitCall(call, this.#options.limits.totalMs, this.#options.clock);
    response.once('close', () => {
      stop();
      if (!response.writableFinished) call.cancellation.cancel(callerLeft());
      if (--this.#running === 0) this.#onIdle?.();
    });
  }

  #fullOrStopping(): EconomizerError | undefined {
    if (this.#stopping) {
      return new EconomizerError('ECO_STOPPING', 'This gateway is shutting down; try again.');
    }
    const { concurrentCalls } = this.#options.limits;
    if (this.#running <= concurrentCalls) return undefined;
    return new EconomizerError(
      'ECO_BUSY',
      `More than ${concurrentCalls} calls are under way (limits.concurrent_calls); try again.`,
    );
  }
}
