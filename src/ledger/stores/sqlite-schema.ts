/** The columns of `calls` in the order in which rows travel through the journal. New ones go to the end. */
export const callColumns = [
  'id TEXT NOT NULL UNIQUE',
  'at_ms INTEGER NOT NULL',
  'tenant TEXT NOT NULL',
  'agent TEXT',
  'session TEXT',
  'tags TEXT NOT NULL',
  'provider TEXT NOT NULL',
  'dialect TEXT',
  'path TEXT NOT NULL',
  'model_asked TEXT',
  'model_served TEXT',
  'service_tier TEXT',
  'streamed INTEGER NOT NULL',
  'outcome TEXT NOT NULL',
  'error_code TEXT',
  'status INTEGER',
  'source TEXT NOT NULL',
  'fresh INTEGER',
  'cache_read INTEGER',
  'cache_write_5m INTEGER',
  'cache_write_1h INTEGER',
  'output INTEGER',
  'reasoning INTEGER',
  'audio_input INTEGER',
  'audio_output INTEGER',
  'web_searches INTEGER',
  'usage_source TEXT',
  'cost_nanos INTEGER',
  'without_usage TEXT',
  'without_cost_nanos INTEGER',
  'without_ms REAL',
  'saved_nanos INTEGER',
  'saved_ms REAL',
  'saved_by TEXT',
  'saved_basis TEXT',
  'first_byte_ms REAL',
  'total_ms REAL NOT NULL',
  'own_ms REAL NOT NULL',
  'lost_cause TEXT',
  'lost_tokens INTEGER',
  'lost_nanos INTEGER',
  'predicted_nanos INTEGER',
  'team TEXT',
  'key_id TEXT',
  'charged_nanos INTEGER',
] as const;

type NameOf<Column extends string> = Column extends `${infer Name} ${string}` ? Name : never;
export type CallColumn = NameOf<(typeof callColumns)[number]>;

export const callColumnNames: readonly CallColumn[] = callColumns.map(
  (column) => column.slice(0, column.indexOf(' ')) as CallColumn,
);

/** A column that a later version added. */
export interface SqlColumn {
  readonly table: 'calls' | 'calls_hourly';
  readonly name: string;
  readonly type: string;
  /** What rows of older versions are taken to hold. */
  readonly older: string;
}

/** The version of the schema, kept in the database's `user_version`. */
export const schemaVersion = 4;

/** What tells one line of the roll-up from another. An empty text stands for unknown: SQLite takes no two NULLs for equal. */
export const rollupKeys = [
  'hour_ms',
  'tenant',
  'provider',
  'model',
  'agent',
  'outcome',
  'saved_by',
  'team',
  'key_id',
] as const;

export const rollupSums = [
  'calls',
  'reused',
  'cost_nanos',
  'unpriced',
  'without_cost_nanos',
  'without_unknown',
  'saved_measured_nanos',
  'saved_estimated_nanos',
  'saved_ms',
  'fresh',
  'cache_read',
  'cache_write',
  'output',
  'lost_nanos',
  'charged_nanos',
] as const;

export const hourMs = 3_600_000;

/** Keeps the sums for ever, so that reports over months are fast and retention loses no money. */
export const hourlyTable = `CREATE TABLE IF NOT EXISTS calls_hourly (
    hour_ms INTEGER NOT NULL,
    ${rollupKeys
      .slice(1)
      .map((key) => `${key} TEXT NOT NULL`)
      .join(', ')},
    ${rollupSums.map((sum) => `${sum} ${sum === 'saved_ms' ? 'REAL' : 'INTEGER'} NOT NULL`).join(', ')},
    PRIMARY KEY (${rollupKeys.join(', ')})
  ) WITHOUT ROWID`;

/**
 * `calls` has a row id and no primary key of its own: with rows of this size a table without row ids is several times
 * slower.
 */
export const schema = `
  CREATE TABLE IF NOT EXISTS calls (${callColumns.join(', ')});
  CREATE INDEX IF NOT EXISTS calls_at ON calls (at_ms);
  ${hourlyTable};
  CREATE VIEW IF NOT EXISTS calls_usd AS SELECT
    strftime('%Y-%m-%dT%H:%M:%fZ', at_ms / 1000.0, 'unixepoch') AS at, tenant, team, key_id, agent, session, provider,
    coalesce(model_served, model_asked) AS model, outcome, source, fresh, cache_read,
    cache_write_5m + cache_write_1h AS cache_write, output + reasoning + audio_output AS output,
    cost_nanos / 1e9 AS cost_usd, coalesce(charged_nanos, cost_nanos) / 1e9 AS charged_usd, without_cost_nanos / 1e9 AS without_usd, saved_nanos / 1e9 AS saved_usd,
    saved_by, saved_basis, first_byte_ms, total_ms, own_ms
  FROM calls;
  PRAGMA user_version = ${schemaVersion};
`;
