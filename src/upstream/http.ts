import { Readable } from 'node:stream';
import { Pool } from 'undici';
import type { Call } from '../exchange/call.ts';
import { isJsonType } from '../exchange/media-type.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import { asBuffer, type ByteStream } from '../exchange/stream.ts';
import type { Upstream } from '../exchange/upstream.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { upstreamFailure } from './failures.ts';
import { UpstreamResponse, type ResponseHead } from './response.ts';

/** Where a provider is and what it must be told. */
export interface UpstreamTarget {
  readonly name: string;
  /** Such as `https://api.openai.com/v1`; the call's path is put behind it. */
  readonly baseUrl: string;
  /** Fields that replace the caller's of the same name, names in lower case: credentials and what the configuration adds. */
  readonly headers: Readonly<Record<string, string>>;
  /** Caller's fields that must not reach the provider, names in lower case. */
  readonly dropHeaders: ReadonlySet<string>;
  /** Connections at most; further calls wait for one. */
  readonly connections: number;
  /** How long an idle connection is kept, in milliseconds. Agents think for seconds between calls, and a new TLS connection costs 1.3 ms of CPU. */
  readonly keepAliveMs: number;
}

/** Time limits in milliseconds; zero means none. */
export interface UpstreamLimits {
  readonly connectMs: number;
  /** From the last byte of the request to the head of the answer. */
  readonly firstByteMs: number;
  /** Between two chunks of an answer. */
  readonly silenceMs: number;
}

interface Target extends UpstreamTarget {
  readonly pool: Pool;
  readonly basePath: string;
}

/** A plain answer is of no use in parts, so it is given this long to become whole; then it is passed on as it comes. */
const wholeHoldMs = 250;
const wholeBytes = 1024 * 1024;
/** All headers of an answer together; Node's 16 KiB are less than some proxies send. */
const headerBytes = 64 * 1024;

/** Providers over HTTP/1.1. */
export class HttpUpstream implements Upstream {
  readonly #targets = new Map<string, Target>();
  readonly #limits: UpstreamLimits;
  readonly #clock: Clock;

  constructor(options: {
    readonly targets: readonly UpstreamTarget[];
    readonly limits: UpstreamLimits;
    readonly clock: Clock;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    for (const target of options.targets) {
      const url = new URL(target.baseUrl);
      const pool = new Pool(url.origin, {
        connections: target.connections,
        connectTimeout: options.limits.connectMs,
        keepAliveTimeout: target.keepAliveMs,
        keepAliveMaxTimeout: Math.max(target.keepAliveMs, 600_000),
        pipelining: 1,
        maxHeaderSize: headerBytes,
      });
      this.#targets.set(target.name, {
        ...target,
        pool,
        basePath: url.pathname.replace(/\/$/, ''),
      });
    }
  }

  async send(call: Call): Promise<Reply> {
    const target = this.#targets.get(call.provider.name);
    if (target === undefined) {
      throw new EconomizerError(
        'ECO_NO_PROVIDER',
        `No provider "${call.provider.name}" is configured.`,
      );
    }
    const { head, response } = await this.#begin(call, target);
    if (!isJsonType(head.headers)) return { ...head, body: response };
    await this.#becomeWhole(head, response);
    if (response.error !== undefined) throw response.error;
    return { ...head, body: response.whole ?? response };
  }

  close(): Promise<void> {
    return this.#onAll((pool) => pool.close());
  }

  /** Gives up on whatever is still under way. */
  destroy(): Promise<void> {
    return this.#onAll((pool) => pool.destroy());
  }

  /** A pool that is gone already is as closed as can be. */
  async #onAll(act: (pool: Pool) => Promise<void>): Promise<void> {
    await Promise.allSettled([...this.#targets.values()].map(({ pool }) => act(pool)));
  }

  #begin(call: Call, target: Target): Promise<{ head: ResponseHead; response: UpstreamResponse }> {
    return new Promise((resolve, reject) => {
      let unsubscribe = (): void => {};
      const response: UpstreamResponse = new UpstreamResponse({
        onHead: (head) => resolve({ head, response }),
        onDone(error) {
          unsubscribe();
          if (error !== undefined) reject(error);
        },
        failure: (cause) => upstreamFailure(cause, target.name),
      });
      unsubscribe = call.cancellation.onCancel((reason) => {
        response.abort(reason);
        // A call that waited for a connection and is called off has cost nothing.
        if (!response.hasBegun) call.account.sentTick = undefined;
        reject(reason);
      });
      if (call.cancellation.reason !== undefined) return;
      target.pool.dispatch(
        {
          path: target.basePath + call.path,
          method: call.method,
          headers: headersFor(call, target),
          body: bodyFor(call.body),
          headersTimeout: this.#limits.firstByteMs,
          bodyTimeout: this.#limits.silenceMs,
        },
        response,
      );
    });
  }

  /** Waits while a plain answer may still become whole; with a known, modest length it surely will, or fail. */
  #becomeWhole(head: ResponseHead, response: UpstreamResponse): Promise<void> {
    const length = Number(fieldOf(head.headers, 'content-length') ?? Infinity);
    if (length > wholeBytes && length !== Infinity) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = length === Infinity ? this.#clock.after(wholeHoldMs, resolve) : () => {};
      response.whenSettled(() => {
        stop();
        resolve();
      });
    });
  }
}

function headersFor(call: Call, target: Target): string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < call.headers.length; index += 2) {
    const name = call.headers[index]!.toLowerCase();
    if (target.dropHeaders.has(name) || name in target.headers) continue;
    headers.push(call.headers[index]!, call.headers[index + 1]!);
  }
  for (const name in target.headers) headers.push(name, target.headers[name]!);
  return headers;
}

function bodyFor(body: Call['body']): Buffer | Readable | null {
  if (body === undefined) return null;
  if (isWhole(body)) return asBuffer(body);
  return readableOf(body);
}

/** undici takes request streams as Node streams only; untouched paths such as uploads are the only ones that have one. */
function readableOf(stream: ByteStream): Readable {
  let opened = false;
  const readable = new Readable({
    read() {
      if (opened) stream.resume();
      else {
        opened = true;
        stream.open({
          write: (chunk) => readable.push(chunk),
          end: () => readable.push(null),
          fail: (error) => readable.destroy(error),
        });
      }
    },
    destroy(error, done) {
      if (error !== null) stream.cancel(error);
      done(error);
    },
  });
  return readable;
}
