import type { IncomingMessage, ServerResponse } from 'node:http';
import { Cancellation } from '../../kernel/cancellation.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import type { Signals } from '../../kernel/signals.ts';
import { parseStrict } from '../../kernel/strict-json.ts';
import { errorShape } from '../error-map.ts';
import { readBody } from '../request-body.ts';
import { RouteTable } from './route-table.ts';
import type { Administrator, AdminRoute } from './route.ts';

export const adminPrefix = '/economizer/admin/';

/** The largest body of an admin request, in bytes. */
const bodyBytes = 64 * 1024;
const bodyDepth = 16;

export interface AdminApiOptions {
  readonly routes: readonly AdminRoute[];
  /**
   * Who shows this key.
   * @throws EconomizerError where it is no administrator's.
   */
  readonly authenticate: (shown: string | undefined) => Administrator;
  readonly signals: Signals;
}

/**
 * The admin API: JSON in, JSON out. It answers no browser page of another origin (there are no CORS headers, and nothing is taken from
 * cookies), and nothing that it says may be kept by a cache.
 */
export class AdminApi {
  readonly #table: RouteTable;
  readonly #options: AdminApiOptions;

  constructor(options: AdminApiOptions) {
    this.#options = options;
    this.#table = new RouteTable(options.routes);
  }

  /** @param target path and query, below `adminPrefix`. */
  async handle(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
    try {
      // Who is no administrator learns nothing, not even which paths there are.
      const admin = this.#options.authenticate(credentialOf(request));
      const [path = '', search = ''] = target.split('?', 2);
      const { method = 'GET' } = request;
      const { route, params } = this.#table.find(method, path);
      if (admin.readsOnly !== undefined && route.forReaders !== true) throw adminsOnly();
      if (admin.tenant !== undefined && !route.forTenants) throw wholeHouseOnly();
      const body = await bodyOf(request);
      const answer = await route.handle({
        admin,
        params,
        query: new URLSearchParams(search),
        body,
      });
      respond(response, answer.made === true ? 201 : 200, answer.body);
    } catch (cause) {
      this.#refuse(request, response, EconomizerError.from(cause));
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: EconomizerError): void {
    if (error.kind === 'broken') {
      this.#options.signals.emit('part-failed', { part: 'admin', operation: 'answer', error });
    }
    const { status, type, code, message, param } = errorShape(error);
    if (!request.complete) response.setHeader('connection', 'close');
    respond(response, status, { error: { type, code, message, param: param ?? null } });
  }
}

/** A bearer token or `x-api-key`, as with calls. */
function credentialOf({ headers }: IncomingMessage): string | undefined {
  const key = headers['x-api-key'];
  if (typeof key === 'string') return key;
  return headers.authorization?.replace(/^bearer\s+/i, '');
}

async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const cancellation = new Cancellation();
  const given = Number(request.headers['content-length']);
  const contentLength = Number.isFinite(given) ? given : undefined;
  const bytes = await readBody(request, { bodyBytes, contentLength, cancellation });
  if (bytes.length === 0) return {};
  // Pages of other origins may send plain text without being asked whether they may; JSON they may not.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) throw notJson();
  const { value } = parseStrict(bytes, bodyDepth);
  if (isObject(value)) return value;
  throw notJson();
}

function notJson(): EconomizerError {
  return new EconomizerError(
    'ECO_BAD_JSON',
    'The body must be a JSON object, sent with content-type: application/json.',
  );
}

function adminsOnly(): EconomizerError {
  return new EconomizerError(
    'ECO_NOT_ALLOWED',
    'This key may only look at what was spent with it; what was asked needs the scope "admin".',
  );
}

function wholeHouseOnly(): EconomizerError {
  return new EconomizerError(
    'ECO_NOT_ALLOWED',
    'This key administers one tenant; what was asked concerns the whole installation and needs the scope "operator".',
  );
}

function respond(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed || response.headersSent) return;
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(bytes);
}
