import { EconomizerError } from '../kernel/errors.ts';
import type { RedisTls } from './redis.ts';

/** SQL with places `$1`, `$2`; the server parses it once for each connection, under this name. Without a name it may be several, without values. */
export interface PostgresStatement {
  readonly name: string;
  readonly text: string;
}

export type PostgresValue =
  | string
  | number
  | boolean
  | null
  | Buffer
  | readonly (string | number | null | Buffer)[];

/** One row by the names of its columns; `bytea` comes as a Buffer, `bigint` as a text. */
export type PostgresRow = Readonly<Record<string, unknown>>;

/** One after the other on a connection that nobody else uses meanwhile. */
export type PostgresQuery = (
  statement: PostgresStatement,
  values?: readonly PostgresValue[],
) => Promise<readonly PostgresRow[]>;

export interface PostgresLinkOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | undefined;
  readonly database: string;
  /** Encrypts, and with which certificates; undefined: not encrypted. */
  readonly tls?: RedisTls | undefined;
  /** For a connection to stand and be prepared, in milliseconds. */
  readonly connectMs: number;
  readonly maxConnections: number;
  /** For each statement, in milliseconds, at the server too. */
  readonly deadlineMs: number;
  /** Done on each new connection before it is used; where it rejects the connection is given up and made anew. */
  readonly prepare?: ((query: PostgresQuery) => Promise<void>) | undefined;
  /** Hears that the last connection is lost, and that the first one stands again. */
  readonly onState?:
    | ((state: { readonly connected: boolean; readonly error?: Error }) => void)
    | undefined;
}

/**
 * One PostgreSQL as the rooms see it: a few connections, which come back by themselves. While there is none, and while all of them wait
 * for a server that is silent, everything is refused at once.
 */
export interface PostgresLink {
  readonly connected: boolean;
  /** Resolves when a connection stands for the first time, cannot, or is not wanted any more; never rejects. */
  readonly tried: Promise<void>;
  /**
   * @throws EconomizerError `ECO_POSTGRES` where it could not be asked, did not answer in time or refused; a statement that is late may
   * have acted.
   */
  query(
    statement: PostgresStatement,
    values?: readonly PostgresValue[],
  ): Promise<readonly PostgresRow[]>;
  close(): Promise<void>;
}

export function postgresFault(message: string, cause?: unknown): EconomizerError {
  return new EconomizerError('ECO_POSTGRES', message, cause === undefined ? {} : { cause });
}

/** The five characters by which the server says what was wrong (`SQLSTATE`); undefined where it was not the server. */
export function sqlState(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
