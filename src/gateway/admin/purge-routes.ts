import { EconomizerError } from '../../kernel/errors.ts';
import { parseDuration } from '../../kernel/duration.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import type { PurgeReport } from '../../cache/invalidation/purger.ts';
import type { PurgeRequest } from '../../cache/invalidation/purge-request.ts';
import type { AdminRequest, AdminRoute } from './route.ts';

export interface PurgeParts {
  readonly purger: {
    purge(request: PurgeRequest): Promise<PurgeReport>;
    count(request: PurgeRequest): Promise<PurgeReport>;
  };
}

const lists = ['keys', 'tags', 'models', 'agents', 'prefixes', 'policies', 'teams'] as const;
const others = ['tenant', 'older_than', 'all', 'soft', 'dry_run'] as const;

export function purgeRoutes({ purger }: PurgeParts): readonly AdminRoute[] {
  return [
    {
      method: 'POST',
      path: 'cache/purge',
      forTenants: true,
      summary: 'Takes answers out of the cache, in every level and every gateway that shares it.',
      fields: {
        keys: 'Keys, as `Cache-Status` tells them with `cache.show_keys`.',
        tags: 'Names that callers gave (`x-economizer-cache-tags`).',
        models: 'Models; `*` at the end stands for anything.',
        agents: 'Agents.',
        prefixes:
          'Beginnings of tags, models, agents, teams and policies; `model:gpt-` means models alone.',
        policies: 'Cache policies.',
        teams: 'Teams.',
        tenant: 'Only in this tenant; alone: all of it.',
        older_than: 'Only what was stored at least so long ago, such as `1h`.',
        all: 'Everything; must be said where nothing else is.',
        soft: 'Past its time instead of gone: served only where policies allow stale answers.',
        dry_run: 'Only counts.',
      },
      answer: 'What it meant: `entries` by level, `targets`, and whether others were told',
      async handle(request) {
        const wanted = requestOf(request);
        const isDry = flagOf(request.body, 'dry_run');
        const report = isDry ? await purger.count(wanted) : await purger.purge(wanted);
        return { body: report as unknown as JsonObject };
      },
    },
  ];
}

/** An administrator of one tenant purges in that. */
function requestOf({ body, admin }: AdminRequest): PurgeRequest {
  const known: readonly string[] = [...lists, ...others];
  const stranger = Object.keys(body).find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw badPurge(`"${stranger}" is no field of a purge; known are: ${known.join(', ')}.`);
  }
  const given = body['tenant'];
  if (given !== undefined && typeof given !== 'string') throw badPurge('tenant must be a name.');
  if (admin.tenant !== undefined && given !== undefined && given !== admin.tenant) {
    throw new EconomizerError('ECO_NOT_ALLOWED', 'This key administers another tenant.');
  }
  return {
    ...Object.fromEntries(lists.map((name) => [name, namesOf(name, body[name])])),
    tenant: admin.tenant ?? given,
    olderThanMs: ageOf(body['older_than']),
    all: flagOf(body, 'all'),
    soft: flagOf(body, 'soft'),
  };
}

function namesOf(name: string, value: JsonValue | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list = typeof value === 'string' ? [value] : value;
  if (Array.isArray(list) && list.every((each) => typeof each === 'string')) {
    return list;
  }
  throw badPurge(`${name} must be a list of texts.`);
}

function flagOf(body: JsonObject, name: string): boolean {
  const value = body[name];
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw badPurge(`${name} must be true or false.`);
}

function ageOf(value: JsonValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  if (ms === undefined) throw badPurge('older_than must be a duration such as 30m or 1h.');
  return ms;
}

function badPurge(message: string): EconomizerError {
  return new EconomizerError('ECO_BAD_PURGE', message);
}
