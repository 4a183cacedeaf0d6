import type { Channel } from './channel.ts';
import { sdk } from './sdk.ts';

/** Where a server is. */
export type ServerPlace = {
  /** The largest message that is taken from it, in bytes. */
  readonly maxMessageBytes: number;
} & (
  | {
      readonly kind: 'command';
      readonly command: readonly [string, ...string[]];
      readonly env: Readonly<Record<string, string>>;
      readonly cwd: string | undefined;
    }
  | {
      readonly kind: 'url';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    }
);

/**
 * Starts a server, or makes what speaks to it; nothing is sent yet.
 * @param authorization the client's own credential, asked for at each request; only for servers that get it.
 */
export async function openServer(
  place: ServerPlace,
  authorization?: () => string | undefined,
): Promise<Channel> {
  if (place.kind === 'command') {
    const { StdioClientTransport } = await sdk.stdioClient();
    const [command, ...args] = place.command;
    return new StdioClientTransport({
      command,
      args,
      env: place.env,
      maxBufferSize: place.maxMessageBytes,
      ...(place.cwd === undefined ? {} : { cwd: place.cwd }),
    }) as Channel;
  }
  const { StreamableHTTPClientTransport } = await sdk.httpClient();
  return new StreamableHTTPClientTransport(new URL(place.url), {
    requestInit: { headers: place.headers },
    fetch: (url, init) => fetch(url, withAuthorization(init, authorization?.())),
  }) as Channel;
}

function withAuthorization(init: RequestInit = {}, value?: string): RequestInit {
  if (value === undefined) return init;
  const headers = new Headers(init.headers);
  headers.set('authorization', value);
  return { ...init, headers };
}
