import { EconomizerError } from '../../kernel/errors.ts';
import type { PostgresQuery, PostgresStatement } from '../../services/postgres.ts';

/** Raise it with every change of what stands below or of the values' form; the tables of an older version are made anew. */
const version = 1;
/** "Econ" in ASCII: among the locks of a database, those of who makes our tables and of who writes to them. */
const lock = 0x45636f6e;
/** To make the tables another gateway may have to finish first. */
const makeMs = 10_000;
/** What a row costs beside its bytes: its head, its places in the indexes, in a page that is never quite full. */
const entryOverhead = 250;
const bodyOverhead = 200;

/** Statements about the tables in one schema of the database. */
export type Tables = ReturnType<typeof tablesIn>;

/** @param schema a name that needs no quotes. */
export function tablesIn(schema: string) {
  const at = (name: string): string => `${schema}.${name}`;
  const [entries, bodies] = [at('cache_entries'), at('cache_bodies')];
  const named = (name: string, text: string): PostgresStatement => ({
    name: `economizer_${schema}_${name}`,
    text,
  });
  return {
    schema,
    version: named('version', `SELECT version FROM ${at('cache_version')}`),
    read: named(
      'read',
      `SELECT e.id, e.used_at, CASE WHEN e.size <= $3 THEN e.value END AS value,
        CASE WHEN b.size <= $3 THEN b.bytes END AS body
        FROM ${entries} e LEFT JOIN ${bodies} b ON b.address = e.body
        WHERE e.key = $1 AND e.stale_until > $2`,
    ),
    apply: named('apply', `SELECT ${at('cache_apply')}($1, $2, $3, $4, $5, $6, $7, $8, $9)`),
    totals: named(
      'totals',
      `SELECT entries::float8, bytes::float8, saved::float8 FROM ${at('cache_totals')}`,
    ),
    /** Those that were not used for longest. */
    evict: named(
      'evict',
      `DELETE FROM ${entries} WHERE id IN
        (SELECT id FROM ${entries} ORDER BY used_at LIMIT $1) RETURNING 1 AS gone`,
    ),
    stepEnd: named(
      'step_end',
      `SELECT id FROM ${entries} WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1`,
    ),
    expire: named(
      'expire',
      `DELETE FROM ${entries} WHERE id IN
        (SELECT id FROM ${entries} WHERE id > $1 AND id <= $2 AND stale_until <= $3)`,
    ),
    heads: named(
      'heads',
      `SELECT id, key, substring(value FROM 1 FOR $3) AS value FROM ${entries} WHERE id > $1 ORDER BY id LIMIT $2`,
    ),
    last: named('last', `SELECT coalesce(max(id), 0) AS id FROM ${entries}`),
    remove: named('remove', `DELETE FROM ${entries} WHERE id = ANY($1::bigint[])`),
    removeUpTo: named(
      'remove_up_to',
      `DELETE FROM ${entries} WHERE id IN (SELECT id FROM ${entries} WHERE id <= $1 ORDER BY id LIMIT $2) RETURNING 1 AS gone`,
    ),
    /** Bodies that nothing bears any more. */
    prune: named('prune', `DELETE FROM ${bodies} WHERE refs <= 0`),
  };
}

/**
 * Makes the tables where they are missing or of an older version; one gateway after the other.
 * @throws EconomizerError `ECO_POSTGRES` where a newer version has made them.
 */
export async function prepareTables(query: PostgresQuery, tables: Tables): Promise<void> {
  if ((await foundVersion(query, tables)) === version) return;
  const simple = (text: string) => query({ name: '', text });
  await simple(`BEGIN; SET LOCAL statement_timeout = ${makeMs}; SELECT ${lockOf(tables.schema)}`);
  try {
    const found = await foundVersion(query, tables);
    if (found !== undefined && found > version) throw newer(tables.schema, found);
    if (found !== version) await simple(dropping(tables.schema) + making(tables.schema));
    await simple('COMMIT');
  } catch (error) {
    await simple('ROLLBACK').catch(() => {}); // of two failures the first is told
    throw error;
  }
}

async function foundVersion(query: PostgresQuery, tables: Tables): Promise<number | undefined> {
  const named = `${tables.schema}.cache_version`;
  const text = `SELECT to_regclass('${named}') IS NOT NULL AS is_there`;
  const [row] = await query({ name: '', text });
  if (row?.['is_there'] !== true) return undefined;
  return (await query({ ...tables.version, name: '' }))[0]?.['version'] as number | undefined;
}

function newer(schema: string, found: number): EconomizerError {
  const text = `The cache's tables in the schema ${schema} are of version ${found}, and this Economizer knows ${version}: upgrade it, or name another postgres.schema.`;
  return new EconomizerError('ECO_POSTGRES', text);
}

function dropping(schema: string): string {
  const tables = ['entries', 'bodies', 'totals', 'version'].map(
    (name) => `${schema}.cache_${name}`,
  );
  return `
    DROP TABLE IF EXISTS ${tables.join(', ')};
    DO $$ DECLARE each regprocedure; BEGIN
      FOR each IN SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = '${schema}' AND p.proname LIKE 'cache\\_%'
      LOOP EXECUTE 'DROP FUNCTION ' || each || ' CASCADE'; END LOOP;
    END $$;`;
}

/**
 * Bodies are kept once however many entries bear them; triggers keep count of these, on each way an entry can go, in the transaction in
 * which it goes, and so they keep the sums: what a crash takes back it takes back from both. Who writes waits for whoever writes already, by a
 * lock that no reader asks for: each act is one statement, so that none holds it while its gateway thinks, and none waits in a circle. Values
 * are not compressed by the server: large ones are already.
 */
function making(schema: string): string {
  const at = (name: string): string => `${schema}.cache_${name}`;
  return `
    DO $$ BEGIN
      IF to_regnamespace('${schema}') IS NULL THEN CREATE SCHEMA ${schema}; END IF;
    END $$;
    CREATE TABLE ${at('version')} (version integer NOT NULL);
    CREATE TABLE ${at('totals')} (
      entries bigint NOT NULL, bytes bigint NOT NULL, saved bigint NOT NULL
    ) WITH (fillfactor = 20);
    INSERT INTO ${at('totals')} VALUES (0, 0, 0);
    CREATE TABLE ${at('bodies')} (
      address bytea PRIMARY KEY, refs integer NOT NULL, size integer NOT NULL, bytes bytea NOT NULL
    );
    CREATE INDEX cache_bodies_unused ON ${at('bodies')} (refs) WHERE refs <= 0;
    CREATE TABLE ${at('entries')} (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      key text COLLATE "C" NOT NULL UNIQUE,
      body bytea, size integer NOT NULL,
      stale_until float8 NOT NULL, used_at float8 NOT NULL, value bytea NOT NULL
    );
    CREATE INDEX cache_entries_by_use ON ${at('entries')} (used_at);
    ALTER TABLE ${at('bodies')} ALTER bytes SET STORAGE EXTERNAL;
    ALTER TABLE ${at('entries')} ALTER value SET STORAGE EXTERNAL;
    ${locking(schema)}
    ${['INSERT', 'UPDATE', 'DELETE'].map((act) => counting(schema, act)).join('')}
    ${applying(schema)}
    INSERT INTO ${at('version')} VALUES (${version});
  `;
}

function lockOf(schema: string): string {
  return `pg_advisory_xact_lock(${lock}, hashtext('${schema}'))`;
}

function locking(schema: string): string {
  const trigger = (table: string): string => `
    CREATE TRIGGER a_lock BEFORE INSERT OR UPDATE OR DELETE ON ${schema}.${table}
      FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.cache_lock();`;
  return `
    CREATE FUNCTION ${schema}.cache_lock() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM ${lockOf(schema)};
      RETURN NULL;
    END $$;
    ${trigger('cache_entries')}
    ${trigger('cache_bodies')}`;
}

/** What one kind of statement does to counts and sums. */
function counting(schema: string, act: string): string {
  const name = act.toLowerCase();
  const sides = [
    ...(act === 'DELETE' ? [] : ['SELECT 1 AS n, * FROM new_rows']),
    ...(act === 'INSERT' ? [] : ['SELECT -1 AS n, * FROM old_rows']),
  ];
  const rows = `(${sides.join(' UNION ALL ')}) AS changed`;
  const named = [
    ...(act === 'DELETE' ? [] : ['NEW TABLE AS new_rows']),
    ...(act === 'INSERT' ? [] : ['OLD TABLE AS old_rows']),
  ];
  const trigger = (table: string): string => `
    CREATE TRIGGER ${table}_${name} AFTER ${act} ON ${schema}.${table} REFERENCING ${named.join(' ')}
      FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.${table}_${name}();`;
  return `
    CREATE FUNCTION ${schema}.cache_entries_${name}() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE e bigint; b bigint;
    BEGIN
      SELECT sum(n), sum(n * size) INTO e, b FROM ${rows};
      IF e <> 0 OR b <> 0 THEN
        UPDATE ${schema}.cache_totals SET entries = entries + e, bytes = bytes + b;
      END IF;
      UPDATE ${schema}.cache_bodies SET refs = refs + delta FROM
        (SELECT body, sum(n)::integer AS delta FROM ${rows} WHERE body IS NOT NULL
          GROUP BY body HAVING sum(n) <> 0) AS moved
        WHERE address = moved.body;
      RETURN NULL;
    END $$;
    CREATE FUNCTION ${schema}.cache_bodies_${name}() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE b bigint; s bigint;
    BEGIN
      SELECT sum(n * size), sum(n * size * greatest(refs - 1, 0)::bigint) INTO b, s FROM ${rows};
      IF b <> 0 OR s <> 0 THEN
        UPDATE ${schema}.cache_totals SET bytes = bytes + b, saved = saved + s;
      END IF;
      RETURN NULL;
    END $$;
    ${trigger('cache_entries')}
    ${trigger('cache_bodies')}`;
}

/** A batch, all or nothing. */
function applying(schema: string): string {
  const at = (name: string): string => `${schema}.cache_${name}`;
  return `
    CREATE FUNCTION ${at('apply')}(
      deleted text[], used bigint[], now_ms float8, addresses bytea[], contents bytea[],
      keys text[], owned bytea[], vals bytea[], stale float8[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM ${lockOf(schema)};
      INSERT INTO ${at('bodies')} (address, refs, size, bytes)
        SELECT address, 0, octet_length(bytes) + ${bodyOverhead}, bytes
        FROM unnest(addresses, contents) AS given (address, bytes)
        ON CONFLICT (address) DO NOTHING;
      DELETE FROM ${at('entries')} WHERE key = ANY(deleted);
      INSERT INTO ${at('entries')} (key, body, size, stale_until, used_at, value)
        SELECT key, body, octet_length(value) + octet_length(key) + ${entryOverhead}, until, now_ms, value
        FROM unnest(keys, owned, vals, stale) AS given (key, body, value, until)
        ON CONFLICT (key) DO UPDATE SET body = excluded.body, size = excluded.size,
          stale_until = excluded.stale_until, used_at = excluded.used_at, value = excluded.value;
      UPDATE ${at('entries')} SET used_at = now_ms WHERE id = ANY(used);
      DELETE FROM ${at('bodies')} WHERE refs <= 0;
    END $$;`;
}
