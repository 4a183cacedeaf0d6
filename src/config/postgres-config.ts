export interface PostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** Files in PEM, absolute; undefined: not encrypted. */
  readonly tls:
    | {
        readonly ca: string | undefined;
        readonly cert: string | undefined;
        readonly key: string | undefined;
        readonly serverName: string | undefined;
      }
    | undefined;
  /** A name that needs no quotes. */
  readonly schema: string;
  readonly connections: number;
  readonly connectMs: number;
}

/** Used where the configuration has a PostgreSQL. */
export interface PostgresCacheConfig {
  readonly enabled: boolean;
  /** Of all gateways together. */
  readonly maxBytes: number;
  readonly maxAnswerBytes: number;
  readonly lookupMs: number;
  readonly storeMs: number;
}
