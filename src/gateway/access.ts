import { hash, timingSafeEqual } from 'node:crypto';
import { allowanceOf } from '../access/allowance.ts';
import { keyHash } from '../access/key-text.ts';
import { isOurs, type Keyring } from '../access/keyring.ts';
import type { KeyTerms } from '../access/terms.ts';
import type { Allowance } from '../exchange/call.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Administrator } from './admin/route.ts';

/** Who a credential belongs to. */
export interface Identity {
  readonly tenant: string;
  readonly team: string | undefined;
  /** Name of the key. */
  readonly key: string | undefined;
  readonly agent: string | undefined;
  readonly tags: readonly string[];
  /** Callers may name another agent and more tags. */
  readonly overridable: boolean;
  readonly allowance: Allowance | undefined;
  /** Partition of the cache for callers who show the provider credentials of their own; empty where we hold the only one. */
  readonly credentialScope: string;
}

/** Callers where the gateway has no keys of its own, and so serves this machine only. */
const local: Identity = {
  tenant: 'default',
  team: undefined,
  key: undefined,
  agent: undefined,
  tags: [],
  overridable: true,
  allowance: undefined,
  credentialScope: '',
};

/** Tells callers apart by the key they show. */
export class Access {
  readonly #keyring: Keyring;
  readonly #adminSha256: string | undefined;
  readonly #identities = new WeakMap<KeyTerms, Identity>();

  /** @param options.adminSha256 of the key that administers the whole installation; undefined where only keys with a scope for it may. */
  constructor(options: { readonly keyring: Keyring; readonly adminSha256: string | undefined }) {
    this.#keyring = options.keyring;
    this.#adminSha256 = options.adminSha256;
  }

  /** True where callers show keys of this gateway in place of the provider's. Becomes true with the first key. */
  get hasKeys(): boolean {
    return this.#keyring.isNeeded;
  }

  /**
   * Who shows this key, where the gateway has keys.
   * @param shown what the caller shows as its key.
   * @param passedOn the credentials that go on to the provider; who shows it others may get other answers, so they are never shared.
   * @throws EconomizerError `ECO_UNAUTHORISED` or `ECO_KEY_ENDED` where it is none of them.
   */
  identify(shown: string | undefined, passedOn: string): Identity {
    return withScope(this.#identityOf(this.#keyring.find(shown)), passedOn);
  }

  /**
   * A program on this machine, where the gateway has no keys.
   * @throws EconomizerError `ECO_UNAUTHORISED` where it shows a key of some gateway all the same.
   */
  identifyLocal(shown: string | undefined, passedOn: string): Identity {
    if (isOurs(shown)) throw strayKey();
    return withScope(local, passedOn);
  }

  /**
   * Who may use the admin API with this key. Without any key for it nobody may, not even on this machine: what runs here, or a page in its
   * browser, is not its administrator.
   * @throws EconomizerError `ECO_UNAUTHORISED`, `ECO_KEY_ENDED` or `ECO_NOT_ALLOWED`.
   */
  administrator(shown: string | undefined): Administrator {
    if (this.#adminSha256 !== undefined && isHashOf(shown ?? '', this.#adminSha256)) {
      return { name: 'ECONOMIZER_ADMIN_KEY', tenant: undefined, readsOnly: undefined };
    }
    const { id, tenant, scopes } = this.#keyring.find(shown);
    if (scopes.includes('operator')) return { name: id, tenant: undefined, readsOnly: undefined };
    if (scopes.includes('admin')) return { name: id, tenant, readsOnly: undefined };
    if (scopes.includes('read')) return { name: id, tenant, readsOnly: { key: id } };
    throw new EconomizerError(
      'ECO_NOT_ALLOWED',
      'This key may not use the admin API; it needs one of the scopes "read", "admin" and "operator".',
    );
  }

  /** When this credential ends, as far as that is known, in milliseconds since the epoch; undefined: when its key does. */
  endOf(shown: string | undefined): number | undefined {
    return this.#keyring.endOf(shown);
  }

  /** Few keys make many calls, so what is made of one is kept as long as the key is. */
  #identityOf(terms: KeyTerms): Identity {
    let identity = this.#identities.get(terms);
    if (identity === undefined) {
      const { tenant, team, id, agent, tags, overridable } = terms;
      identity = {
        tenant,
        team,
        key: id,
        agent,
        tags,
        overridable,
        allowance: allowanceOf(terms),
        credentialScope: '',
      };
      this.#identities.set(terms, identity);
    }
    return identity;
  }
}

function withScope(identity: Identity, passedOn: string): Identity {
  return passedOn === '' ? identity : { ...identity, credentialScope: scopeOf(passedOn) };
}

/** In constant time, though what it could tell of a hash tells nothing of the key. */
function isHashOf(shown: string, sha256: string): boolean {
  return timingSafeEqual(Buffer.from(keyHash(shown)), Buffer.from(sha256));
}

const rememberedScopes = new Map<string, string>();

/** Hash of a credential. Few credentials make many calls, so the last ones are remembered, by their hash alone in what leaves here. */
function scopeOf(credential: string): string {
  let scope = rememberedScopes.get(credential);
  if (scope === undefined) {
    if (rememberedScopes.size >= 1000) rememberedScopes.clear();
    scope = hash('sha256', credential, 'base64url');
    rememberedScopes.set(credential, scope);
  }
  return scope;
}

/** Without keys, what callers show goes on to the provider; a key of ours has no business there. */
function strayKey(): EconomizerError {
  return new EconomizerError(
    'ECO_UNAUTHORISED',
    'The key that came with the request is one of a gateway, but this gateway has none; look whether its data directory is the right one.',
  );
}
