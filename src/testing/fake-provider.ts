import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sseText } from '../exchange/sse.ts';
import { dialects } from '../exchange/wire/index.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { isObject, parseJson, textOf, type JsonObject } from '../kernel/json.ts';
import type { BillingBrain } from '../replay/provider/billing-brain.ts';
import { wireUsage } from '../replay/provider/wire-usage.ts';
import { finalOf, parrot, type FakeAnswer, type FakeBytes } from './fake-answer.ts';
import { billFor } from './fake-bill.ts';
import { dialectAt, type FakeCall } from './fake-call.ts';
import { fakeEmbeddings } from './fake-embeddings.ts';
import type { FakeFault } from './fake-fault.ts';
import { fakeHeaders } from './fake-headers.ts';
import { errorBody, withFault, type FakePlan } from './fake-plan.ts';
import { carryOut } from './fake-wire.ts';

export interface FakeProviderOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** What the model says to a call; default: it repeats the beginning of what it was asked last. */
  readonly answer?: (call: FakeCall) => FakeAnswer | FakeBytes;
  /** Names at `/v1/models`. */
  readonly models?: readonly string[];
  /** Counts, bills and takes time as real providers do, prefix caches included; default: four characters a token, nothing cached, no delay. */
  readonly brain?: BillingBrain;
  /** Before the first byte, and between chunks; default: what the brain reckons, without a brain nothing. */
  readonly firstByteMs?: number;
  readonly gapMs?: number;
  /** What goes wrong with a call, if anything. */
  readonly fault?: (call: FakeCall) => FakeFault | undefined;
  readonly clock?: Clock;
}

/** A running fake provider. */
export interface FakeProvider {
  /** Without a trailing slash and without `/v1`. */
  readonly url: string;
  /** Every request so far, in order of arrival. */
  readonly calls: readonly FakeCall[];
  /** Requests that are being answered. */
  readonly inFlight: number;
  /** Requests whose client left before the answer was whole. */
  readonly aborted: number;
  /** Lets the next call that has no fault of its own go wrong; calls add up. */
  failNext(fault: FakeFault): void;
  close(): Promise<void>;
}

/**
 * An HTTP server that plays a model provider, for demonstrations, tests and benchmarks: OpenAI's and Anthropic's
 * endpoints, plain and as streams, with scripted answers, bills like real ones, and faults on demand. It is no model: what it says is made up.
 */
export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const provider = new Provider(options);
  await provider.listen();
  return provider;
}

class Provider implements FakeProvider {
  readonly calls: FakeCall[] = [];
  inFlight = 0;
  aborted = 0;
  url = '';
  readonly #options: FakeProviderOptions;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #nextFaults: FakeFault[] = [];

  constructor(options: FakeProviderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy()); // a client that left within its request
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.port ?? 0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  failNext(fault: FakeFault): void {
    this.#nextFaults.push(fault);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.inFlight++;
    response.once('close', () => {
      this.inFlight--;
      if (!response.writableFinished) this.aborted++;
    });
    const call = await callOf(request);
    this.calls.push(call);
    const plan = this.#plan(call);
    const fault = this.#options.fault?.(call) ?? this.#nextFaults.shift();
    const faulty = fault === undefined ? plan : withFault(plan, fault, call.dialect);
    await carryOut(faulty, response, this.#clock);
  }

  #plan(call: FakeCall): FakePlan {
    const { dialect, json } = call;
    if (dialect === undefined) return this.#undialected(call);
    const model = textOf(json?.['model']);
    if (json === undefined || model === undefined) {
      return this.#whole(call, 400, errorBody(dialect, 400, 'The body must name a model.'));
    }
    const scripted = (this.#options.answer ?? parrot)(call);
    if ('bytes' in scripted) {
      const headers = [...this.#headers(call), 'content-type', scripted.contentType];
      const coding = scripted.contentEncoding;
      if (coding !== undefined) headers.push('content-encoding', coding);
      return this.#pace({ status: scripted.status ?? 200, headers, chunks: [scripted.bytes] });
    }
    return this.#answer({ ...call, dialect, json }, scripted, model);
  }

  #answer(
    call: FakeCall & { dialect: NonNullable<FakeCall['dialect']>; json: JsonObject },
    scripted: FakeAnswer,
    model: string,
  ): FakePlan {
    const { dialect, json } = call;
    const at = this.#clock.now();
    const seed = `${this.calls.length}\n${call.path}`;
    const final = finalOf(dialect, scripted, { model, seed, created: Math.floor(at / 1000) });
    const bill = billFor({ call, final, model, at, brain: this.#options.brain });
    if ('refusal' in bill) return this.#whole(call, 400, errorBody(dialect, 400, bill.refusal));
    const usage = wireUsage(dialect, bill.usage);
    if (dialect === 'anthropic-count-tokens') return this.#whole(call, 200, usage);
    const data = dialect === 'openai-embeddings' ? { data: fakeEmbeddings(json) } : {};
    const whole = { ...final, ...data, usage };
    if (json['stream'] !== true) return this.#whole(call, 200, whole, bill.totalMs);
    const wanted = json['stream_options'];
    const events = dialects[dialect].streamEvents(whole, {
      usage: isObject(wanted) && wanted['include_usage'] === true,
    });
    const headers = [...this.#headers(call), 'content-type', 'text/event-stream; charset=utf-8'];
    const chunks = events.map((event) => Buffer.from(sseText(event)));
    return this.#pace({ status: 200, headers, chunks }, bill);
  }

  #undialected(call: FakeCall): FakePlan {
    if (call.method === 'GET' && /\/models(\?|$)/.test(call.path)) {
      const data = (this.#options.models ?? []).map((id) => ({
        id,
        object: 'model',
        type: 'model',
        display_name: id,
        created: 1_750_000_000,
        created_at: '2025-06-15T00:00:00Z',
        owned_by: 'fake',
      }));
      return this.#whole(call, 200, { object: 'list', data, has_more: false });
    }
    const message = `Unknown request URL: ${call.method} ${call.path}.`;
    return this.#whole(call, 404, errorBody(undefined, 404, message));
  }

  #headers(call: FakeCall): string[] {
    return fakeHeaders(call.dialect, this.calls.length);
  }

  #whole(call: FakeCall, status: number, body: unknown, totalMs = 0): FakePlan {
    const headers = [...this.#headers(call), 'content-type', 'application/json'];
    const chunks = [Buffer.from(JSON.stringify(body))];
    return this.#pace({ status, headers, chunks }, { firstTokenMs: totalMs, totalMs });
  }

  #pace(
    plan: Pick<FakePlan, 'status' | 'headers' | 'chunks'>,
    bill = { firstTokenMs: 0, totalMs: 0 },
  ): FakePlan {
    const { firstByteMs, gapMs } = this.#options;
    const gaps = Math.max(1, plan.chunks.length - 1);
    return {
      ...plan,
      firstByteMs: firstByteMs ?? bill.firstTokenMs,
      gapMs: gapMs ?? (bill.totalMs - bill.firstTokenMs) / gaps,
      lengthLie: 0,
      ending: 'end',
    };
  }
}

async function callOf(request: IncomingMessage): Promise<FakeCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { method = 'GET', url = '/', rawHeaders } = request;
  const json = parseJson(body.toString('utf8'));
  return {
    method,
    path: url,
    rawHeaders,
    body,
    json: isObject(json) ? json : undefined,
    dialect: dialectAt(method, url),
  };
}
