import { hash, timingSafeEqual } from 'node:crypto';
import type { Administrator } from './admin/route.ts';
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
  /** Partition of the cache for callers who show the provider credentials of their own; empty where we hold the only one. */
  readonly credentialScope: string;
}

/** Tenant of callers where the gateway has no keys of its own, and so serves this machine only. */
const localTenant = 'default';

/** Tells callers apart by the key they show. */
export class Access {
  /** True where callers show keys of this gateway in place of the provider's. */
  readonly hasKeys: boolean;
  readonly #keys: readonly { readonly digest: Buffer; readonly key: GatewayKey }[];

  constructor(keys: readonly GatewayKey[]) {
    this.hasKeys = keys.length > 0;
    this.#keys = keys.map((key) => ({ digest: Buffer.from(key.sha256, 'hex'), key }));
  }

  /**
   * @param shown what the caller shows as its key.
   * @param passedOn the credentials that go on to the provider; who shows it others may get other answers, so they are never shared.
   * @throws EconomizerError `ECO_UNAUTHORISED` where the gateway has keys and this is none of them.
   */
  identify(shown: string | undefined, passedOn: string): Identity {
    const credentialScope = passedOn === '' ? '' : scopeOf(passedOn);
    if (this.#keys.length === 0) return { tenant: localTenant, agent: undefined, credentialScope };
    const digestShown = hash('sha256', shown ?? '', 'buffer');
    let found: GatewayKey | undefined;
    // All keys are compared, each in constant time, so that the time taken tells nothing.
    for (const { digest, key } of this.#keys) if (timingSafeEqual(digest, digestShown)) found = key;
    if (found === undefined) {
      throw new EconomizerError(
        'ECO_UNAUTHORISED',
        'This gateway does not know the key that came with the request; send one of its own as a bearer token or x-api-key.',
      );
    }
    return { tenant: found.tenant, agent: found.agent, credentialScope };
  }

  /** @throws EconomizerError `ECO_NOT_ALLOWED`. */
  administrator(_shown: string | undefined): Administrator {
    throw new EconomizerError('ECO_NOT_ALLOWED', 'This key may not use the admin API.');
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
