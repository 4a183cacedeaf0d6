import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The purge APIs of Fastly and Cloudflare as their documents describe them, with their limits and the shapes of their answers; what they
 * would refuse is refused. See fastly.com/documentation/reference/api/purging and developers.cloudflare.com/api/resources/cache/methods/purge.
 */
export interface EdgeApis {
  readonly url: string;
  /** What was purged, request by request. */
  readonly purged: readonly { readonly names: readonly string[]; readonly soft: boolean }[];
  /** The next request is refused so. */
  refuseNext(refusal: Refusal): void;
  close(): Promise<void>;
}

export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export const fastlyService = 'SU1Z0isxPaozGVKXdv0eY';
export const cloudflareZone = '023e105f4ecef8ad9ca31a8372d0c353';
export const apiToken = 'a-token-of-the-api';

/** Answers as they were recorded: the first two by the documents, the third by a user of the API. */
export const recorded = {
  fastly: '{"key_1":"108-1391560174-974124","key_2":"108-1391560174-974125"}',
  cloudflare: `{"success":true,"errors":[],"messages":[],"result":{"id":"${cloudflareZone}"}}`,
  /** Under status 200. */
  cloudflareRefusal:
    '{"success":false,"errors":[{"code":1315,"message":"Non-printable characters are forbidden in tags"},{"code":1016,"message":"One or more cache purge errors"}],"messages":[],"result":null}',
};

export async function startEdgeApis(): Promise<EdgeApis> {
  const purged: { names: readonly string[]; soft: boolean }[] = [];
  let next: Refusal | undefined;
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const refusal = next ?? faultIn(request, body);
      next = undefined;
      if (refusal !== undefined) return answer(response, refusal);
      const names = namesIn(request, body);
      purged.push({ names, soft: request.headers['fastly-soft-purge'] === '1' });
      return answer(response, { status: 200, body: accepted(request, names) });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    purged,
    refuseNext: (refusal) => void (next = refusal),
    close: () =>
      new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  };
}

const isFastly = ({ url = '' }: IncomingMessage): boolean => url.startsWith('/service/');

function namesIn(request: IncomingMessage, body: string): readonly string[] {
  if (isFastly(request)) return String(request.headers['surrogate-key']).split(' ');
  return (JSON.parse(body) as { tags: string[] }).tags;
}

/** As `recorded`. */
export function accepted(request: Pick<IncomingMessage, 'url'>, names: readonly string[]): string {
  if (request.url?.startsWith('/service/') !== true) return recorded.cloudflare;
  return JSON.stringify(
    Object.fromEntries(names.map((name, index) => [name, `108-1391560174-${974124 + index}`])),
  );
}

/** Why the API would refuse this; undefined if it would not. */
function faultIn(request: IncomingMessage, body: string): Refusal | undefined {
  const { method, url, headers } = request;
  const path = isFastly(request)
    ? `/service/${fastlyService}/purge`
    : `/zones/${cloudflareZone}/purge_cache`;
  if (url !== path) return { status: 404 };
  if (method !== 'POST') return { status: 405 };
  const shown = isFastly(request) ? headers['fastly-key'] : headers.authorization;
  if (shown !== (isFastly(request) ? apiToken : `Bearer ${apiToken}`)) return { status: 401 };
  if (!isFastly(request) && headers['content-type'] !== 'application/json') return { status: 415 };
  const names = namesIn(request, body);
  const isFit = names.every((name) => /^[\x21-\x2b\x2d-\x7e]{1,1024}$/.test(name));
  if (!isFit || names.length === 0) return { status: 400 };
  return names.length > (isFastly(request) ? 256 : 100) ? { status: 400 } : undefined;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, { status, headers = {}, body = '' }: Refusal): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}
