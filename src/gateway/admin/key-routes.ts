import { randomBytes } from 'node:crypto';
import { badKey } from '../../access/faults.ts';
import { keyView } from '../../access/key-view.ts';
import {
  changeKey,
  createKey,
  nameOfKey,
  revokeKey,
  rotateKey,
  type KeyMaker,
  type MadeKey,
} from '../../access/lifecycle.ts';
import { newTerms, readTerms, termFields } from '../../access/read-terms.ts';
import type { KeyName, KeyStore, StoredKey } from '../../access/store.ts';
import type { KeyTerms } from '../../access/terms.ts';
import type { Clock } from '../../kernel/clock.ts';
import { parseDuration } from '../../kernel/duration.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { textOf, type JsonObject } from '../../kernel/json.ts';
import type { Administrator, AdminRequest, AdminRoute } from './route.ts';

export interface KeyParts {
  readonly keyStore: KeyStore;
  /** Keys of the configuration file: shown, and changed there. */
  readonly configuredKeys: readonly KeyTerms[];
  readonly clock: Clock;
}

/** How long a rotated key's old text goes on working where nothing else is said. */
const usualGraceMs = 24 * 3_600_000;
const longestGraceMs = 90 * 24 * 3_600_000;

const tenantField = { tenant: 'whose key is meant, where several tenants have one of that name' };

export function keyRoutes(parts: KeyParts): readonly AdminRoute[] {
  return [...lookingRoutes(parts), ...makingRoutes(parts), ...endingRoutes(parts)];
}

function lookingRoutes(parts: KeyParts): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: 'keys',
      forTenants: true,
      summary: 'All keys, those of the configuration too.',
      fields: { tenant: 'only keys of this tenant' },
      answer: '`{ "keys": [KEY] }`, never with what opens them',
      async handle(request) {
        const tenant = tenantOf(request);
        const all = [...parts.configuredKeys, ...(await parts.keyStore.list())];
        const seen = all.filter((key) => tenant === undefined || key.tenant === tenant);
        return { body: { keys: seen.map((key) => keyView(key, parts.clock.now())) } };
      },
    },
    {
      method: 'GET',
      path: 'keys/:id',
      forTenants: true,
      summary: 'One key of the store.',
      fields: tenantField,
      answer: '`{ "key": KEY }`',
      async handle(request) {
        const name = await nameIn(parts, request);
        const keys = await parts.keyStore.list();
        const key = keys.find(({ id, tenant }) => id === name.id && tenant === name.tenant)!;
        return { body: { key: keyView(key, parts.clock.now()) } };
      },
    },
  ];
}

function makingRoutes(parts: KeyParts): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      path: 'keys',
      forTenants: true,
      summary: 'Makes a key. Its text is in this answer and nowhere else.',
      fields: termFields,
      answer: '`{ "secret": "eco-...", "key": KEY }`',
      async handle({ admin, body }) {
        const now = parts.clock.now();
        const terms = readTerms(body, newTerms(admin.tenant, randomBytes), now);
        refuseBeyond(admin, terms);
        const taken = parts.configuredKeys.some(
          ({ id, tenant }) => id === terms.id && tenant === terms.tenant,
        );
        if (taken) throw badKey('id', 'another; the configuration has a key of that name');
        return { ...shown(await createKey(makerFor(parts, admin), terms), now), made: true };
      },
    },
    {
      method: 'PATCH',
      path: 'keys/:id',
      forTenants: true,
      summary: 'Changes what a key stands for; what is left out stays, null takes a limit away.',
      fields: { ...withoutNames(termFields), ...tenantField },
      answer: '`{ "key": KEY }`',
      async handle(request) {
        const now = parts.clock.now();
        const { admin, body } = request;
        const key = await changeKey(
          makerFor(parts, admin),
          await nameIn(parts, request),
          (before) => {
            const terms = readTerms(body, before, now);
            refuseBeyond(admin, terms);
            return terms;
          },
        );
        return { body: { key: keyView(key, now) } };
      },
    },
  ];
}

function endingRoutes(parts: KeyParts): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      path: 'keys/:id/rotate',
      forTenants: true,
      summary: 'Gives a key a new text; the old one goes on working for a while.',
      fields: {
        grace: 'how long, a duration; `0s` ends it at once; left out: `24h`',
        ...tenantField,
      },
      answer: '`{ "secret": "eco-...", "key": KEY }`',
      async handle(request) {
        const graceMs = readGrace(request.body);
        const made = await rotateKey(
          makerFor(parts, request.admin),
          await nameIn(parts, request),
          graceMs,
        );
        return shown(made, parts.clock.now());
      },
    },
    {
      method: 'DELETE',
      path: 'keys/:id',
      forTenants: true,
      summary: 'Revokes a key for good. It stays in the list.',
      fields: tenantField,
      answer: '`{ "key": KEY }`',
      async handle(request) {
        const key = await revokeKey(makerFor(parts, request.admin), await nameIn(parts, request));
        return { body: { key: keyView(key, parts.clock.now()) } };
      },
    },
  ];
}

function shown({ text, key }: MadeKey, now: number): { readonly body: JsonObject } {
  return { body: { secret: text, key: keyView(key, now) } };
}

function withoutNames(fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { id: _id, tenant: _tenant, ...rest } = fields;
  return rest;
}

/** The tenant that is asked about; an administrator of one tenant need not say it, and must not say another. */
function tenantOf({ admin, query }: AdminRequest): string | undefined {
  const asked = query.get('tenant') ?? undefined;
  if (admin.tenant === undefined) return asked;
  if (asked !== undefined && asked !== admin.tenant) throw otherTenant();
  return admin.tenant;
}

function nameIn(parts: KeyParts, request: AdminRequest): Promise<KeyName> {
  return nameOfKey(parts.keyStore, request.params['id']!, tenantOf(request));
}

/** Seen to while the key is changed, so that it cannot become another's in between. */
function makerFor({ keyStore, clock }: KeyParts, admin: Administrator): KeyMaker {
  const check = (key: StoredKey): void => refuseBeyond(admin, key);
  return { store: keyStore, clock, random: randomBytes, check };
}

/** Who administers one tenant makes, changes and rotates no key that can do more than itself. */
function refuseBeyond(admin: Administrator, terms: KeyTerms): void {
  if (admin.tenant === undefined) return;
  if (terms.tenant !== admin.tenant) throw otherTenant();
  if (terms.scopes.includes('operator')) {
    throw new EconomizerError(
      'ECO_NOT_ALLOWED',
      'This key administers one tenant and may not make or change keys with the scope "operator".',
    );
  }
}

function otherTenant(): EconomizerError {
  return new EconomizerError('ECO_NOT_ALLOWED', 'This key administers another tenant.');
}

function readGrace(body: JsonObject): number {
  const { grace } = body;
  if (grace === undefined) return usualGraceMs;
  const text = textOf(grace) ?? '';
  const ms = /[a-z]/.test(text) ? parseDuration(text) : undefined;
  if (ms !== undefined && ms <= longestGraceMs) return ms;
  throw badKey('grace', 'a duration such as 0s, 1h or 7d, at most 90d');
}
