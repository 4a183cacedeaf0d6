/**
 * What a key is good for: `call` models through the gateway, `read` what was spent with it, `admin` its tenant, `operator` the whole installation.
 */
export const scopes = ['call', 'read', 'admin', 'operator'] as const;
export type Scope = (typeof scopes)[number];

/** What a new key is good for where nothing else is said. */
export const usualScopes: readonly Scope[] = ['call', 'read'];

/** What a key stands for, wherever it is kept. */
export interface KeyTerms {
  /** Its name, by which it is told from others of its tenant. */
  readonly id: string;
  readonly tenant: string;
  readonly team: string | undefined;
  /** The agent that its calls are booked to. */
  readonly agent: string | undefined;
  /** Tags of all its calls. */
  readonly tags: readonly string[];
  /** Patterns with `*` of the models that it may use; undefined: all. */
  readonly models: readonly string[] | undefined;
  /** Names of the providers that it may use; undefined: all. */
  readonly providers: readonly string[] | undefined;
  readonly scopes: readonly Scope[];
  /** Milliseconds since the epoch; from then on the key is refused. Undefined: it does not expire. */
  readonly expiresAt: number | undefined;
  /** Callers may name another agent than the key's, and add tags to the key's. */
  readonly overridable: boolean;
}
