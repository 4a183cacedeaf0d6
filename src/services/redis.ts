import { EconomizerError } from '../kernel/errors.ts';

/** What a command is made of. */
export type RedisArgument = string | Buffer;

/** What Redis answers; texts come as bytes. */
export type RedisReply = null | number | bigint | string | Buffer | readonly RedisReply[];

/** A Lua script; sent by its hash, and whole where the server does not know it. */
export interface RedisScript {
  readonly source: string;
}

/** `host` and `port` of a server. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Certificates in PEM form, for encrypted connections. */
export interface RedisTls {
  /** Who is trusted to sign; undefined: whom Node trusts. */
  readonly ca: Buffer | undefined;
  /** What we show of ourselves, where the server asks for it. */
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** The name that the server's certificate must bear; undefined: its host. */
  readonly serverName: string | undefined;
}

export interface RedisLinkOptions {
  /** One server: `redis://` or `rediss://`, with name, password and database. */
  readonly url?: string | undefined;
  /** Instead of `url`: whoever these sentinels say is the master of that name. */
  readonly sentinel?:
    | {
        readonly name: string;
        readonly nodes: readonly RedisNode[];
        /** For the sentinels themselves. */
        readonly username?: string | undefined;
        readonly password?: string | undefined;
      }
    | undefined;
  /** Instead of `url`: some nodes of a cluster; the others are learnt from them. */
  readonly cluster?: { readonly nodes: readonly RedisNode[] } | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly database?: number | undefined;
  /** Encrypts, and with which certificates; undefined: only where `url` says `rediss://`. */
  readonly tls?: RedisTls | undefined;
  /** For a connection to stand, in milliseconds. */
  readonly connectMs?: number | undefined;
  /** Hears that the connection is lost and found again. */
  readonly onState?:
    | ((state: { readonly connected: boolean; readonly error?: Error }) => void)
    | undefined;
}

/**
 * One Redis or Valkey, whatever its form, as the rooms see it. Commands that are sent in the same turn travel together. While the
 * connection is down every command is refused at once; it comes back by itself.
 */
export interface RedisLink {
  readonly connected: boolean;
  /** For how long somebody has waited for replies, in milliseconds; what the event loop was held up is left out. Never shrinks. */
  readonly waitedMs: number;
  /**
   * @param deadlineMs a reply that comes later is dropped and the promise rejected; the command may have acted.
   * @throws EconomizerError `ECO_REDIS` where it could not be asked, did not answer in time or refused.
   */
  send(args: readonly RedisArgument[], deadlineMs: number): Promise<RedisReply>;
  /** Runs a script, atomically; in a cluster all `keys` must share a hash tag. Throws as `send`. */
  script(
    script: RedisScript,
    keys: readonly string[],
    args: readonly RedisArgument[],
    deadlineMs: number,
  ): Promise<RedisReply>;
  /**
   * Hears a channel. `onGap` is called whenever messages may have been missed: the connection was lost in between.
   * @returns ends it.
   */
  subscribe(
    channel: string,
    onMessage: (message: Buffer) => void,
    onGap: () => void,
  ): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** @throws nothing but rejections of kind `service`. */
export function redisFault(message: string, cause?: unknown): EconomizerError {
  return new EconomizerError('ECO_REDIS', message, cause === undefined ? {} : { cause });
}
