import { EconomizerError } from '../../kernel/errors.ts';
import { timeOf } from '../../kernel/iso-time.ts';
import { ledgerReport } from '../../ledger/report.ts';
import { groupings, type GroupBy, type ReportLine, type ReportQuery } from '../../ledger/store.ts';
import type { AdminRequest, AdminRoute } from './route.ts';

export interface UsageParts {
  /** Sums from the ledger; empty where it is switched off. */
  readonly report: (query: ReportQuery) => Promise<readonly ReportLine[]>;
}

export function usageRoutes(parts: UsageParts): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: 'usage',
      forTenants: true,
      forReaders: true,
      summary:
        'Calls, tokens, spend and savings, summed by group. A key with the scope `read` sees what was done with itself, one with `admin` its tenant.',
      fields: {
        by: `${groupings.map((each) => `\`${each}\``).join(', ')}; left out: \`model\``,
        from: 'first moment, ISO 8601',
        to: 'first moment after, ISO 8601',
        tenant: 'only calls of this tenant',
        team: 'only calls of this team',
        key: 'only calls with the key of this name',
      },
      answer:
        'as `economizer report --json`: `{ "by", "lines": [{ "group", "calls", "cost_usd", ... }], "total" }`',
      async handle(request) {
        const query = queryOf(request);
        return { body: ledgerReport(query.by, await parts.report(query)) };
      },
    },
  ];
}

function queryOf({ admin, query }: AdminRequest): ReportQuery {
  const by = query.get('by') ?? 'model';
  if (!(groupings as readonly string[]).includes(by)) {
    throw badQuery('by', `one of: ${groupings.join(', ')}`);
  }
  const tenant = only('tenant', admin.tenant, query.get('tenant'));
  const key = only('key', admin.readsOnly?.key, query.get('key'));
  const team = query.get('team') ?? undefined;
  const from = momentIn(query, 'from');
  const to = momentIn(query, 'to');
  return {
    by: by as GroupBy,
    ...(tenant === undefined ? {} : { tenant }),
    ...(team === undefined ? {} : { team }),
    ...(key === undefined ? {} : { key }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** What may be seen, where that is bounded; asking for something else is refused rather than passed over. */
function only(name: string, bound: string | undefined, asked: string | null): string | undefined {
  if (bound === undefined) return asked ?? undefined;
  if (asked === null || asked === bound) return bound;
  throw new EconomizerError('ECO_NOT_ALLOWED', `This key may not see another ${name}.`, {
    param: name,
  });
}

function momentIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const at = timeOf(text);
  if (at !== undefined) return at;
  throw badQuery(name, 'a time such as 2026-01-31 or 2026-01-31T12:00:00Z');
}

function badQuery(name: string, allowed: string): EconomizerError {
  return new EconomizerError('ECO_BAD_QUERY', `\`${name}\` must be ${allowed}.`, { param: name });
}
