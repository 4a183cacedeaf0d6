import type { RpcId, RpcMessage } from './messages.ts';

/** What came with a message over HTTP. */
export interface MessageExtra {
  readonly requestInfo?: {
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  };
}

/** One side of a connection: what the transports of the SDK have in common. */
export interface Channel {
  readonly sessionId?: string | undefined;
  onmessage?: ((message: RpcMessage, extra?: MessageExtra) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  start(): Promise<void>;
  /** @param options.relatedRequestId the request over whose stream it goes, where there are several. */
  send(message: RpcMessage, options?: { readonly relatedRequestId?: RpcId }): Promise<void>;
  close(): Promise<void>;
  /** Over HTTP every request names the version that was agreed on. */
  setProtocolVersion?: ((version: string) => void) | undefined;
  /** Over HTTP a server is told that the session is over. */
  terminateSession?: (() => Promise<void>) | undefined;
}
