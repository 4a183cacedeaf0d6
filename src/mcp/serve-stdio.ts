import type { Readable, Writable } from 'node:stream';
import type { Channel } from './channel.ts';
import { ProxySession, type ProxySessionOptions } from './proxy-session.ts';
import { sdk } from './sdk.ts';

export interface ServeStdioOptions extends Omit<
  ProxySessionOptions,
  'client' | 'onClose' | 'userOf'
> {
  /** Whose all calls are: over stdio there is one user. */
  readonly user: string;
  readonly input: Readable;
  readonly output: Writable;
}

/** Serves one client over stdio until it leaves or `stop` is called. */
export async function serveStdio(
  options: ServeStdioOptions,
): Promise<{ readonly ended: Promise<void>; stop(): Promise<void> }> {
  const { StdioServerTransport } = await sdk.stdioServer();
  const { user, input, output, ...rest } = options;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const client = new StdioServerTransport(input, output) as Channel;
  const session = new ProxySession({ ...rest, client, userOf: () => user, onClose: resolve });
  // The transport does not watch for the end of its input; a client that leaves closes it.
  input.once('end', () => void session.close());
  await session.start();
  return { ended, stop: () => session.close() };
}
