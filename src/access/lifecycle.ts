import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { badKey, noKey } from './faults.ts';
import { keyHash, newKeyText, shownPart, type SecretRandom } from './key-text.ts';
import type { KeyName, KeySecret, KeyStore, StoredKey } from './store.ts';
import type { KeyTerms } from './terms.ts';

/** What a key's life needs besides itself. */
export interface KeyMaker {
  readonly store: KeyStore;
  readonly clock: Clock;
  readonly random: SecretRandom;
  /** Throws where this key may not be touched. */
  readonly check?: (key: StoredKey) => void;
}

/** A key with its text, which nobody sees again. */
export interface MadeKey {
  readonly text: string;
  readonly key: StoredKey;
}

/** Texts that open one key at most: the newest, and those of rotations whose grace is not over. */
const mostSecrets = 4;

/** Keys of one tenant at most, revoked ones included: every gateway keeps them all in memory. */
const mostKeys = 10_000;

/** @throws EconomizerError `ECO_KEY_TAKEN`, `ECO_KEY_STORE`, or `ECO_BAD_KEY` where the tenant has too many. */
export async function createKey(maker: KeyMaker, terms: KeyTerms): Promise<MadeKey> {
  const now = maker.clock.now();
  const { tenant } = terms;
  const ofTenant = (await maker.store.list()).filter((key) => key.tenant === tenant);
  if (ofTenant.length >= mostKeys) {
    throw badKey('tenant', `one with fewer than ${mostKeys} keys; "${tenant}" has as many`);
  }
  const { text, secret } = newSecret(maker, now);
  const key = { ...terms, secrets: [secret], createdAt: now, revokedAt: undefined };
  await maker.store.insert(key);
  return { text, key };
}

/**
 * A new text for a key. Those it has open it for `graceMs` more, so that programs can be given the new one in turn; 0 ends them at once.
 * @throws EconomizerError `ECO_NO_KEY`, `ECO_KEY_ENDED` for a revoked key, `ECO_KEY_STORE`.
 */
export async function rotateKey(maker: KeyMaker, name: KeyName, graceMs: number): Promise<MadeKey> {
  const now = maker.clock.now();
  const { text, secret } = newSecret(maker, now);
  const key = await maker.store.update(name, (before) => {
    maker.check?.(before);
    if (before.revokedAt !== undefined) {
      throw new EconomizerError(
        'ECO_KEY_ENDED',
        `The key "${before.id}" was revoked; make a new one with economizer keys create.`,
      );
    }
    const kept = before.secrets
      .map((each) => ({ ...each, endsAt: Math.min(each.endsAt ?? Infinity, now + graceMs) }))
      .filter(({ endsAt }) => endsAt > now)
      .slice(-(mostSecrets - 1));
    return { ...before, secrets: [...kept, secret] };
  });
  return { text, key };
}

/** Ends a key for good. Revoking it again changes nothing. @throws EconomizerError `ECO_NO_KEY`, `ECO_KEY_STORE`. */
export async function revokeKey(maker: KeyMaker, name: KeyName): Promise<StoredKey> {
  const now = maker.clock.now();
  return maker.store.update(name, (before) => {
    maker.check?.(before);
    return { ...before, revokedAt: before.revokedAt ?? now };
  });
}

/** Changes what a key stands for; its name and tenant stay, since the ledger knows it by them. @throws EconomizerError `ECO_NO_KEY`, `ECO_KEY_STORE`. */
export async function changeKey(
  maker: KeyMaker,
  name: KeyName,
  change: (terms: StoredKey) => KeyTerms,
): Promise<StoredKey> {
  return maker.store.update(name, (before) => {
    maker.check?.(before);
    const terms = change(before);
    if (terms.id !== before.id) throw badKey('id', 'left as it is; make a new key instead');
    if (terms.tenant !== before.tenant) {
      throw badKey('tenant', 'left as it is; make a new key instead');
    }
    const { secrets, createdAt, revokedAt } = before;
    return { ...terms, secrets, createdAt, revokedAt };
  });
}

/**
 * The full name of a key.
 * @param tenant undefined where it may be of any tenant.
 * @throws EconomizerError `ECO_NO_KEY`, or `ECO_BAD_KEY` where several tenants have one of that name.
 */
export async function nameOfKey(
  store: KeyStore,
  id: string,
  tenant: string | undefined,
): Promise<KeyName> {
  const found = (await store.list()).filter(
    (key) => key.id === id && (tenant === undefined || key.tenant === tenant),
  );
  const [first] = found;
  if (first === undefined) throw noKey({ id });
  if (found.length > 1) {
    throw badKey(
      'tenant',
      `given, since several have a key "${id}": ${found.map((key) => key.tenant).join(', ')}`,
    );
  }
  return { tenant: first.tenant, id };
}

function newSecret(
  { random }: KeyMaker,
  now: number,
): { readonly text: string; readonly secret: KeySecret } {
  const text = newKeyText(random);
  const secret = {
    sha256: keyHash(text),
    shown: shownPart(text),
    createdAt: now,
    endsAt: undefined,
  };
  return { text, secret };
}
