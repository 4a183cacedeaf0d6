import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { startHouse, type House, type HouseOptions } from './harness.ts';

/** One provider connection's request text so far, and how to answer it. */
export type RawProvider = (request: string, socket: Socket) => void;

export interface RawHouse extends House {
  /** The text of every request that reached the provider, byte for byte as Latin-1. */
  readonly requests: readonly string[];
}

/** A gateway before a provider whose every byte the test writes. `answer` is called when a request's head has come. */
export async function startRawHouse(
  answer: RawProvider,
  options: HouseOptions = {},
): Promise<RawHouse> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      requests.push(text);
      const request = text;
      text = '';
      answer(request, socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const openai = { base_url: `http://127.0.0.1:${port}/v1`, ...given(options, 'openai') };
  const anthropic = { base_url: `http://127.0.0.1:${port}`, ...given(options, 'anthropic') };
  const config = { ...options.config, providers: { openai, anthropic } as never };
  return { ...(await startHouse({ ...options, config })), requests };
}

function given({ config }: HouseOptions, name: string): object {
  return ((config?.providers ?? {}) as Record<string, object>)[name] ?? {};
}

/**
 * Writes `text` on a connection of its own; resolves with all that comes, as Latin-1, once `enough` holds or the other side closes.
 * `later` may write more.
 */
export function exchange(
  url: string,
  text: string,
  enough: (answer: string) => boolean = () => false,
  later: (write: (more: string) => void) => void = () => {},
): Promise<string> {
  return new Promise((resolve) => {
    const { port } = new URL(url);
    let answer = '';
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(text, 'latin1');
      later((more) => socket.write(more, 'latin1'));
    });
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (enough(answer)) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}
