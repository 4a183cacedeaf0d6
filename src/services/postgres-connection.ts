import { Socket } from 'node:net';
import type { Client } from 'pg';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { postgresPackage } from './postgres-package.ts';
import {
  postgresFault,
  type PostgresLinkOptions,
  type PostgresRow,
  type PostgresStatement,
  type PostgresValue,
} from './postgres.ts';

/** One connection; it does one statement at a time and does not come back. */
export class PostgresConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #onLost: (error: Error) => void;
  #isLost = false;

  private constructor(client: Client, socket: Socket, onLost: (error: Error) => void) {
    this.#client = client;
    this.#socket = socket;
    this.#onLost = onLost;
    client.on('error', (error) => this.lose(error));
    client.on('end', () => this.lose(postgresFault('PostgreSQL ended the connection.')));
  }

  /**
   * The whole of it in time: a server that is stopped lets itself be connected to and then says nothing.
   * @param onLost called once, when the connection has stood and is lost.
   * @param onNotice what is said on a channel that it listens to.
   */
  static async open(
    options: PostgresLinkOptions,
    clock: Clock,
    onLost: (connection: PostgresConnection, error: Error) => void,
    onNotice?: (channel: string, payload: string) => void,
  ): Promise<PostgresConnection> {
    const socket = new Socket();
    const client = new (postgresPackage().Client)(settingsOf(options, socket));
    client.on('notification', ({ channel, payload = '' }) => onNotice?.(channel, payload));
    let stands = false;
    const connection: PostgresConnection = new PostgresConnection(client, socket, (error) => {
      if (stands) onLost(connection, error);
    });
    const { connectMs } = options;
    const opened = connection.#begin(options);
    const late = new Promise<never>((_resolve, reject) => {
      const cancel = clock.after(connectMs, () =>
        reject(postgresFault(`PostgreSQL did not take our connection within ${connectMs} ms.`)),
      );
      opened.then(cancel, cancel);
    });
    opened.catch(() => {});
    try {
      await Promise.race([opened, late]);
      stands = true;
      return connection;
    } catch (error) {
      connection.lose(error as Error);
      throw faultOf(error);
    }
  }

  async query(
    { name, text }: PostgresStatement,
    values: readonly PostgresValue[] = [],
  ): Promise<readonly PostgresRow[]> {
    try {
      const asked = name === '' ? text : { name, text, values: [...values] };
      const { rows } = await this.#client.query<PostgresRow>(asked);
      return rows;
    } catch (error) {
      throw faultOf(error);
    }
  }

  /** Ends it at once, whatever it is at: what waits for an answer fails. */
  lose(error: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#socket.destroy();
    this.#onLost(error);
  }

  /** Ends it in peace. */
  async end(): Promise<void> {
    this.#isLost = true;
    await this.#client.end().catch(() => {});
  }

  async #begin({ deadlineMs, connectMs, prepare }: PostgresLinkOptions): Promise<void> {
    await this.#client.connect();
    // What a crash of the server can lose is the last half second of a cache, and nothing waits for its disk.
    await this.#client.query(
      `SET statement_timeout = ${connectMs}; SET synchronous_commit = off; SET client_min_messages = warning`,
    );
    await prepare?.((statement, values) => this.query(statement, values));
    await this.#client.query(`SET statement_timeout = ${Math.ceil(deadlineMs)}`);
  }
}

/** Everything is said, so that the client package takes nothing from the environment or from files in the home directory. */
function settingsOf(options: PostgresLinkOptions, socket: Socket) {
  const { host, port, user, password = '', database, tls } = options;
  const { ca, cert, key, serverName } = tls ?? {};
  return {
    host,
    port,
    user,
    database,
    password: () => password,
    application_name: 'economizer',
    keepAlive: true,
    stream: () => socket,
    ssl: tls !== undefined && {
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    },
  };
}

function faultOf(error: unknown): Error {
  if (EconomizerError.is(error)) return error;
  const { message, code } = error as { readonly message: string; readonly code?: unknown };
  const suffix = typeof code === 'string' ? ` (${code})` : '';
  return postgresFault(`PostgreSQL said: ${message}${suffix}.`, error);
}
