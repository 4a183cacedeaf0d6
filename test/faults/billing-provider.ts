import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { sseText } from '../../src/exchange/sse.ts';
import { seededRandom } from '../../src/kernel/random.ts';

/** What a provider has billed for one request, by its own count. */
interface Bill {
  /** The text that the caller asked, by which tests find the request again. */
  readonly question: string;
  nanos: number;
  /** The answer was written to its end. */
  isWhole: boolean;
}

export interface BillingProvider {
  readonly url: string;
  readonly bills: readonly Bill[];
  /** All that was billed so far, nano-dollars. */
  readonly total: () => number;
  close(): Promise<void>;
}

/** gpt-4o, nano-dollars a token; written down here a second time, on purpose. */
const inputNanos = 2500;
const outputNanos = 10_000;
const bytesPerToken = 4;
const tokensPerChunk = 10;

/**
 * A provider that knows nothing of the code under test and keeps its own books: it streams as many tokens as it likes within the cap, and bills
 * the input when the request is there and each token when it is written, whether or not anybody reads it.
 */
export async function startBillingProvider(
  options: { readonly gapMs?: number; readonly seed?: number } = {},
): Promise<BillingProvider> {
  const { gapMs = 25, seed = 1 } = options;
  const random = seededRandom(seed);
  const bills: Bill[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { messages, max_tokens, max_completion_tokens, stream } = JSON.parse(
      body.toString(),
    ) as Record<string, never> & { messages: { content: string }[] };
    const cap = Number(max_completion_tokens ?? max_tokens);
    const inputTokens = Math.ceil(body.length / bytesPerToken);
    const nanos = inputTokens * inputNanos;
    const bill: Bill = { question: messages.at(-1)!.content, nanos, isWhole: false };
    bills.push(bill);
    if (stream !== true) throw new Error('this provider only streams');
    const wanted = 1 + Math.floor(random.next() * cap);
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    let written = 0;
    while (written < wanted) {
      const tokens = Math.min(tokensPerChunk, wanted - written);
      written += tokens;
      bill.nanos += tokens * outputNanos;
      response.write(sseText(chunkOf({ delta: { content: 'word '.repeat(tokens) } })));
      await delay(gapMs);
      if (response.destroyed) return;
    }
    response.write(sseText(chunkOf({ delta: {}, finish_reason: 'stop' })));
    const usage = { prompt_tokens: inputTokens, completion_tokens: written };
    const total_tokens = inputTokens + written;
    response.write(sseText(chunkOf(undefined, { ...usage, total_tokens })));
    response.end('data: [DONE]\n\n');
    bill.isWhole = true;
  }

  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bills,
    total: () => bills.reduce((sum, { nanos }) => sum + nanos, 0),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function chunkOf(choice: object | undefined, usage?: object): Parameters<typeof sseText>[0] {
  const choices = choice === undefined ? [] : [{ index: 0, finish_reason: null, ...choice }];
  const named = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o' };
  const data = JSON.stringify({ ...named, service_tier: 'default', choices, usage: usage ?? null });
  return { event: undefined, data };
}
