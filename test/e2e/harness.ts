import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { configOf } from '../../src/config/load.ts';
import type { Config } from '../../src/config/config.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { Upstream } from '../../src/exchange/upstream.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import type { LedgerRow } from '../../src/ledger/row.ts';
import { startGateway, type RunningGateway } from '../../src/main.ts';
import {
  startFakeProvider,
  type FakeProvider,
  type FakeProviderOptions,
} from '../../src/testing/fake-provider.ts';

export { until } from '../until.ts';

export interface House {
  readonly provider: FakeProvider;
  readonly gateway: RunningGateway;
  readonly url: string;
  readonly config: Config;
  /** Rows booked so far. */
  readonly rows: readonly LedgerRow[];
  readonly signals: Signals;
}

export interface HouseOptions {
  readonly provider?: FakeProviderOptions;
  readonly config?: ConfigFile;
  readonly clock?: Clock;
  /** In place of HTTP. */
  readonly upstream?: Upstream;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'economizer-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A gateway before a fake provider of both dialects, both gone when the test is over. */
export async function startHouse(options: HouseOptions = {}): Promise<House> {
  const provider = await startFakeProvider(options.provider);
  const signals = new Signals();
  const rows: LedgerRow[] = [];
  signals.on('call-ended', ({ row }) => rows.push(row as LedgerRow));
  const { providers = {}, ...rest } = options.config ?? {};
  const given = providers as Record<string, object>;
  const config = configOf({
    data: temporaryFolder(),
    listen: { port: 0 },
    ...rest,
    providers: {
      ...given,
      openai: {
        kind: 'openai',
        base_url: `${provider.url}/v1`,
        api_key: 'sk-gateway',
        ...given['openai'],
      },
      anthropic: {
        kind: 'anthropic',
        base_url: provider.url,
        api_key: 'sk-ant-gateway',
        ...given['anthropic'],
      },
    },
  });
  const { clock, upstream } = options;
  const gateway = await startGateway(config, {
    signals,
    ...(clock === undefined ? {} : { clock }),
    ...(upstream === undefined ? {} : { upstream }),
  });
  onTestFinished(async () => {
    await gateway.stop();
    await provider.close();
  });
  return { provider, gateway, url: gateway.url, config, rows, signals };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The connection broke before the answer was whole. */
  readonly broken: boolean;
}

/** Sends bytes and takes bytes: nothing between that could hide a difference. */
export function send(
  url: string,
  body: Buffer | string | undefined,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string | string[]>;
    readonly onChunk?: (chunk: Buffer, leave: () => void) => void;
  } = {},
): Promise<Answer> {
  const { method = 'POST', headers = {}, onChunk } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method, headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        const done = (broken: boolean) => (): void =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks),
            broken,
          });
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          onChunk?.(chunk, () => request.destroy());
        });
        response.on('end', done(false));
        response.on('error', done(true));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** A chat request. */
export function chat(extra: object = {}): string {
  const messages = [{ role: 'user', content: 'What is an economizer?' }];
  return JSON.stringify({ model: 'gpt-4o', messages, ...extra });
}

/** A request to Anthropic's messages. */
export function messages(extra: object = {}): string {
  const list = [{ role: 'user', content: 'What is an economizer?' }];
  return JSON.stringify({ model: 'claude-sonnet-5-5', max_tokens: 100, messages: list, ...extra });
}
