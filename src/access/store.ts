import type { KeyTerms } from './terms.ts';

/** A value now or later. */
export type Awaitable<Value> = Value | Promise<Value>;

/** One text that opens as its key; while a key is being rotated there are several. */
export interface KeySecret {
  /** SHA-256 of the text, 64 hexadecimal digits in lower case. The text itself is kept nowhere. */
  readonly sha256: string;
  /** Beginning and end of the text, for people: `eco-Ab3d…x9Yz`. */
  readonly shown: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** From then on it opens no more; undefined: as long as its key lives. */
  readonly endsAt: number | undefined;
}

/** A virtual key as it is kept. */
export interface StoredKey extends KeyTerms {
  /** The newest last. */
  readonly secrets: readonly KeySecret[];
  readonly createdAt: number;
  /** From then on the key is refused. A revoked key stays in the store: it must not come back under its name, and without it keys might no longer be asked for. */
  readonly revokedAt: number | undefined;
}

/** Which key is meant. Names are unique within their tenant. */
export interface KeyName {
  readonly tenant: string;
  readonly id: string;
}

export interface KeyChanges {
  /** True: `keys` are all that there are; else those that changed. */
  readonly all: boolean;
  readonly keys: readonly StoredKey[];
  /** What to ask with next time. */
  readonly mark: number;
}

/** Where virtual keys are kept. Several processes may share one store; each sees what the others do. */
export interface KeyStore {
  /** `memory`, `sqlite`. */
  readonly name: string;
  /**
   * What changed since `mark`; 0 stands for the beginning. Asked several times a second, so it must be cheap, above all where nothing changed.
   * @throws EconomizerError `ECO_KEY_STORE`.
   */
  changes(mark: number): KeyChanges;
  /** By tenant and id. @throws EconomizerError `ECO_KEY_STORE`. */
  list(): Awaitable<readonly StoredKey[]>;
  /** @throws EconomizerError `ECO_KEY_TAKEN` where the tenant has a key of that name, `ECO_KEY_STORE`. */
  insert(key: StoredKey): Awaitable<void>;
  /**
   * Changes one key; of two who change it at the same time, the second begins with what the first made of it.
   * @throws EconomizerError `ECO_NO_KEY`, `ECO_KEY_STORE`, and what `change` throws, which leaves the key as it was.
   */
  update(name: KeyName, change: (key: StoredKey) => StoredKey): Awaitable<StoredKey>;
  close(): Awaitable<void>;
}
