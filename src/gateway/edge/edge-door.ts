import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EdgeAnswer, EdgeOrigin } from '../../cache/edge/origin.ts';
import { edgeMediaType } from '../../cache/tiers/edge.ts';
import type { Signals } from '../../kernel/signals.ts';
import { freshnessFields, keptNowhere } from './edge-fields.ts';
import { matches } from './etag.ts';

export const edgePrefix = '/economizer/edge/v1/';

/** Answers that are looked up at once; an edge that wants more is asked to come again. */
const mostAtOnce = 512;

/**
 * Where the edge fetches from: `GET /economizer/edge/v1/ID` gives a stored answer that is public, sealed for other gateways. The ID cannot be guessed, and
 * whoever has it may have the answer; so no key is asked for.
 */
export class EdgeDoor {
  readonly #origin: Pick<EdgeOrigin, 'find'>;
  readonly #signals: Signals;
  #running = 0;

  constructor({ origin, signals }: { origin: Pick<EdgeOrigin, 'find'>; signals: Signals }) {
    this.#origin = origin;
    this.#signals = signals;
  }

  /** @param id what stands behind `edgePrefix` in the target. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(response, 405, { allow: 'GET, HEAD' });
      return;
    }
    if (this.#running >= mostAtOnce) {
      refuse(response, 503, { 'retry-after': '1' });
      return;
    }
    this.#running++;
    try {
      give(request, response, await this.#origin.find(id));
    } catch (error) {
      this.#signals.emit('part-failed', { part: 'cache.edge', operation: 'give', error });
      refuse(response, 500);
    } finally {
      this.#running--;
    }
  }
}

function give(
  request: IncomingMessage,
  response: ServerResponse,
  answer: EdgeAnswer | undefined,
): void {
  if (answer === undefined) {
    refuse(response, 404);
    return;
  }
  const etag = `"${answer.version}"`;
  const fields = { ...freshnessFields(answer), etag };
  if (matches(request.headers['if-none-match'], etag)) {
    response.writeHead(304, fields).end();
    return;
  }
  response.writeHead(200, {
    ...fields,
    'content-type': edgeMediaType,
    'content-length': answer.body.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

/** What is not there now may be there in a moment, so no refusal is kept anywhere. */
function refuse(
  response: ServerResponse,
  status: number,
  fields: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...fields, ...keptNowhere, 'content-length': 0 });
  response.end();
}
