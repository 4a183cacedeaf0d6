import { hash, timingSafeEqual } from 'node:crypto';
import { EconomizerError } from '../kernel/errors.ts';

/** A key of this gateway, known by its hash only. */
export interface GatewayKey {
  readonly id: string;
  /** SHA-256 of the key, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly tenant: string;
  readonly agent: string | undefined;
}

/** Who a credential belongs to. */
export interface Identity {
  readonly tenant: string;
  readonly agent: string | undefined;
  /** Partition of the cache for callers who bring the provider's credential themselves; empty where we hold it. */
  readonly credentialScope: string;
}

/** Tenant of callers where the gateway has no keys of its own, and so serves this machine only. */
const localTenant = 'default';

/** Tells callers apart by the key they show. */
export class Access {
  readonly #keys: readonly { readonly digest: Buffer; readonly key: GatewayKey }[];

  constructor(keys: readonly GatewayKey[]) {
    this.#keys = keys.map((key) => ({ digest: Buffer.from(key.sha256, 'hex'), key }));
  }

  /**
   * @param bringsOwn the credential goes on to the provider, so its owners must not share answers with others'.
   * @throws EconomizerError `ECO_UNAUTHORISED` where the gateway has keys and this is none of them.
   */
  identify(credential: string | undefined, bringsOwn: boolean): Identity {
    if (this.#keys.length === 0) {
      const credentialScope = bringsOwn && credential !== undefined ? scopeOf(credential) : '';
      return { tenant: localTenant, agent: undefined, credentialScope };
    }
    const shown = hash('sha256', credential ?? '', 'buffer');
    let found: GatewayKey | undefined;
    // All keys are compared, each in constant time, so that the time taken tells nothing.
    for (const { digest, key } of this.#keys) if (timingSafeEqual(digest, shown)) found = key;
    if (found === undefined) {
      throw new EconomizerError(
        'ECO_UNAUTHORISED',
        'This gateway does not know the key that came with the request; send one of its own as a bearer token or x-api-key.',
      );
    }
    return { tenant: found.tenant, agent: found.agent, credentialScope: '' };
  }
}

const scopes = new Map<string, string>();

/** Hash of a credential. Few credentials make many calls, so the last ones are remembered, by their hash alone in what leaves here. */
function scopeOf(credential: string): string {
  let scope = scopes.get(credential);
  if (scope === undefined) {
    if (scopes.size >= 1000) scopes.clear();
    scope = hash('sha256', credential, 'base64url');
    scopes.set(credential, scope);
  }
  return scope;
}
