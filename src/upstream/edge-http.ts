import { Agent, errors, request as send } from 'undici';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';

interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

interface IncomingResponse {
  readonly status: number;
  readonly body: Buffer;
  readonly retryAfterMs: number | undefined;
}

/** HTTP to caches at the edge and to their APIs: `EdgeHttp` of the cache. Times in milliseconds. */
export function createEdgeHttp({ clock }: { readonly clock: Clock }): {
  request(request: OutgoingRequest): Promise<IncomingResponse>;
  close(): Promise<void>;
} {
  const agent = new Agent({ connections: 32, keepAliveTimeout: 4000, connect: { timeout: 2000 } });
  return {
    async request(outgoing) {
      const call = new AbortController();
      const stop = clock.after(outgoing.timeoutMs, () => call.abort(new Error('it took too long')));
      const once = () => exchange(outgoing, { agent, signal: call.signal, clock });
      try {
        return await once().catch((error: unknown) => {
          // The other side has just closed a kept connection. What we ask for may be asked for twice (RFC 9110 section 9.2.2).
          if (error instanceof errors.SocketError) return once();
          throw error;
        });
      } catch (cause) {
        throw new EconomizerError(
          'ECO_EDGE',
          `${new URL(outgoing.url).host} gave no whole answer in time; see that it runs and that the addresses under "edge" are right.`,
          { cause },
        );
      } finally {
        stop();
      }
    },
    close: () => agent.destroy(),
  };
}

async function exchange(
  { method, url, headers, body, bytesMax }: OutgoingRequest,
  {
    agent,
    signal,
    clock,
  }: { readonly agent: Agent; readonly signal: AbortSignal; readonly clock: Clock },
): Promise<IncomingResponse> {
  const answer = await send(url, {
    // Undici's types know fewer methods than its wire does.
    method: method as 'GET',
    headers,
    body: body ?? null,
    signal,
    dispatcher: agent,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  const retryAfterMs = delayOf(answer.headers['retry-after'], clock);
  return { status: answer.statusCode, body: Buffer.concat(chunks), retryAfterMs };
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function delayOf(field: string | string[] | undefined, clock: Clock): number | undefined {
  if (typeof field !== 'string') return undefined;
  if (/^\d{1,9}$/.test(field.trim())) return Number(field) * 1000;
  const at = Date.parse(field);
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.now());
}
