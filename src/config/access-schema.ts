import { z } from 'zod';
import { timeOf } from '../kernel/iso-time.ts';
import {
  isName,
  isTag,
  isTenant,
  longestTag,
  mostTags,
  nameForm,
  unknownTenant,
} from '../kernel/names.ts';
import { flag, section, text, texts } from './fields.ts';

/** A SHA-256, in lower case once read. */
function sha256(description: string) {
  return text(description)
    .regex(/^[0-9a-f]{64}$/i, {
      error: 'must be the 64 hexadecimal digits of a SHA-256, not the key itself',
    })
    .transform((value) => value.toLowerCase());
}

function name(description: string) {
  return text(description).refine(isName, { error: `must be ${nameForm}` });
}

/** A list that limits; an empty one would mean either nothing or everything. */
function limiting(description: string) {
  return texts(description).min(1, { error: 'must not be empty; leave it out for all' }).optional();
}

/** A moment; milliseconds since the epoch once read. */
function moment(description: string) {
  const allowed = 'must be a time such as 2026-12-31 (its midnight in UTC) or 2026-12-31T12:00:00Z';
  return z
    .string({ error: allowed })
    .transform((value, context) => {
      const at = timeOf(value.trim());
      if (at !== undefined) return at;
      context.addIssue({ code: 'custom', message: allowed });
      return z.NEVER;
    })
    .meta({ description, kind: 'time' })
    .optional();
}

const scopeWords = ['call', 'read', 'admin', 'operator'] as const;

const accessKey = section('One gateway key.', {
  id: name('A name to tell the key by in logs and reports.'),
  sha256: sha256('SHA-256 of the key in hexadecimal: `printf %s "$KEY" | sha256sum`.'),
  tenant: name('Whose calls these are. Answers are never shared across tenants.')
    .refine(isTenant, { error: `must be another name; ${unknownTenant} stands for strangers` })
    .prefault('default')
    .meta({
      description: 'Whose calls these are. Answers are never shared across tenants.',
      default: 'default',
      kind: 'text',
    }),
  team: name('The part of the tenant to book calls to.').optional(),
  agent: name('The agent to book calls to.').optional(),
  tags: texts('Tags of all its calls.')
    .max(mostTags, { error: `must have at most ${mostTags} tags` })
    .refine((tags) => tags.every(isTag), {
      error: `must be tags of 1 to ${longestTag} characters without commas`,
    })
    .prefault([])
    .meta({ description: 'Tags of all its calls.', kind: 'list of text' }),
  models: limiting('Models that it may use; `*` stands for anything. Default: all.'),
  providers: limiting('Names of providers that it may use. Default: all.'),
  scopes: z
    .array(z.enum(scopeWords, { error: `must be one of: ${scopeWords.join(', ')}` }), {
      error: `must be a list of some of: ${scopeWords.join(', ')}`,
    })
    .min(1, { error: 'must not be empty' })
    .prefault(['call', 'read'])
    .meta({
      description:
        'What it is good for: `call` models, `read` what was spent with it, `admin` its tenant, `operator` the whole installation.',
      default: '[call, read]',
      kind: 'list of text',
    }),
  expires: moment('From when on it is refused. Default: never.'),
  overridable: flag(
    'Whether callers may name another agent than the key’s, and tags beside its own.',
    false,
  ),
});

const accessKeys = z
  .array(accessKey, { error: 'must be a list of keys' })
  .superRefine((keys, context) => {
    for (const field of ['id', 'sha256'] as const) {
      const seen = new Set<string>();
      for (const [index, key] of keys.entries()) {
        if (seen.has(key[field])) {
          const message = `must be different for each key; another key has the same ${field}`;
          context.addIssue({ code: 'custom', path: [index, field], message });
        }
        seen.add(key[field]);
      }
    }
  })
  .default([])
  .meta({
    description:
      'Keys that callers may show, beside those that `economizer keys` makes. Where there are none at all, programs on this machine are served without.',
    kind: 'list',
  });

export const accessSchema = section('Who may use the gateway.', {
  keys: accessKeys,
  admin_sha256: sha256(
    'SHA-256 of a key that administers the whole installation, in hexadecimal. `ECONOMIZER_ADMIN_KEY` may name the key itself instead.',
  ).optional(),
});
