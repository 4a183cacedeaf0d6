import type { BudgetDesk } from '../../budget/desk.ts';
import { emergencyJson, overviewJson, savingJson } from '../../budget/overview-json.ts';
import { parseDuration } from '../../kernel/duration.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { AdminRequest, AdminRoute } from './route.ts';

export interface BudgetRouteParts {
  /** Undefined where no budget is configured. */
  readonly budgetDesk: BudgetDesk | undefined;
}

const scopeField =
  'whose calls: `everything` (the default), or names and values such as `agent=crawler` or `tenant=acme,tag=nightly`';

export function budgetRoutes({ budgetDesk }: BudgetRouteParts): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: 'budgets',
      forTenants: false,
      summary:
        'How every budget stands: spent, held, left, forecast, level of the ladder, actions in force; the emergency switches, the last decisions, and what the switch would save.',
      answer: 'as `economizer budget status --json`',
      handle: async () => ({ body: overviewJson(await desk(budgetDesk).overview()) }),
    },
    {
      method: 'PUT',
      path: 'budgets/emergency',
      forTenants: false,
      summary: 'Pulls the emergency switch: all gateways force the level within seconds.',
      fields: {
        scope: scopeField,
        level: 'level of the ladder; default: the highest',
        for: 'how long, such as `2h`; default: until it is switched off',
      },
      answer: '`{ "emergency": { "scope", "level", "since", "until", "by" }, "saving": { ... } }`',
      async handle(request) {
        const emergency = await desk(budgetDesk).switchOn(wishOf(request));
        const saving = await desk(budgetDesk).saving();
        return {
          body: {
            emergency: emergencyJson(emergency),
            saving: saving === undefined ? null : savingJson(saving),
          },
        };
      },
    },
    {
      method: 'DELETE',
      path: 'budgets/emergency',
      forTenants: false,
      summary: 'Switches it off again.',
      fields: { scope: scopeField },
      answer: '`{ "was_on": true }`',
      async handle(request) {
        const scope = textIn(request, 'scope');
        return { body: { was_on: await desk(budgetDesk).switchOff(scope) } };
      },
    },
  ];
}

function desk(given: BudgetDesk | undefined): BudgetDesk {
  if (given !== undefined) return given;
  throw new EconomizerError(
    'ECO_BAD_QUERY',
    'No budget is configured here; add one under budgets.',
  );
}

function wishOf(request: AdminRequest) {
  const level = request.body['level'];
  if (level !== undefined && typeof level !== 'number') {
    throw badField('level', 'a whole number');
  }
  return {
    scope: textIn(request, 'scope'),
    level,
    forMs: durationIn(request.body),
    by: request.admin.name,
  };
}

function durationIn(body: JsonObject): number | undefined {
  const given = body['for'];
  if (given === undefined) return undefined;
  const ms = typeof given === 'string' ? parseDuration(given) : undefined;
  if (ms === undefined || ms <= 0) throw badField('for', 'a duration such as 30m or 2h');
  return ms;
}

/** In the body, or in the query where a client sends no body. */
function textIn({ body, query }: AdminRequest, name: string): string | undefined {
  const given = body[name] ?? query.get(name) ?? undefined;
  if (given === undefined || typeof given === 'string') return given;
  throw badField(name, 'text');
}

function badField(name: string, allowed: string): EconomizerError {
  return new EconomizerError('ECO_BAD_QUERY', `\`${name}\` must be ${allowed}.`, { param: name });
}
