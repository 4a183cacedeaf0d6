import type { PostgresQuery, PostgresStatement } from '../../services/postgres.ts';

/** "Econ" in ASCII and one more: among the locks of a database, that of who writes down purges. */
const lock = 0x45636f6f;
/** To make the tables another gateway may have to finish first. */
const makeMs = 10_000;
/** Stands in a mark for the version that the purge is given. */
export const versionToCome = -1;

/** Statements about the purges in one schema of the database. */
export type PurgeTables = ReturnType<typeof purgeTablesIn>;

/** @param schema a name that needs no quotes. */
export function purgeTablesIn(schema: string) {
  const at = (name: string): string => `${schema}.purges_${name}`;
  const named = (name: string, text: string): PostgresStatement => ({
    name: `economizer_${schema}_purges_${name}`,
    text,
  });
  return {
    schema,
    channel: `economizer_${schema}_purges`,
    /** All that changed after a change. */
    since: named(
      'since',
      `SELECT tenant, selector, marks, changed FROM ${at('lines')} WHERE changed > $1`,
    ),
    add: named('add', `SELECT ${at('add')}($1, $2, $3, $4, $5, $6, $7, $8) AS version`),
    keep: named('keep', `SELECT ${at('keep')}($1, $2, $3, $4, $5, $6)`),
  };
}

/** Makes the tables where they are missing; one gateway after the other. */
export async function preparePurges(query: PostgresQuery, { schema }: PurgeTables): Promise<void> {
  const simple = (text: string) => query({ name: '', text });
  const text = `SELECT to_regclass('${schema}.purges_state') IS NOT NULL AS is_there`;
  if ((await simple(text))[0]?.['is_there'] === true) return;
  await simple(`BEGIN; SET LOCAL statement_timeout = ${makeMs}; SELECT ${lockOf(schema)}`);
  try {
    if ((await simple(text))[0]?.['is_there'] !== true) await simple(making(schema));
    await simple('COMMIT');
  } catch (error) {
    await simple('ROLLBACK').catch(() => {}); // of two failures the first is told
    throw error;
  }
}

function lockOf(schema: string): string {
  return `pg_advisory_xact_lock(${lock}, hashtext('${schema}'))`;
}

/**
 * Each line takes the greater of each number. What changes is numbered, under a lock that ends with the transaction, so that whoever has
 * read up to a number has missed none below it; and it is told at the commit: who has spoken, and nothing else, since a notice holds
 * 8,000 bytes. Unlike an answer, a purge must outlive a crash of the server, so it waits for the disk.
 */
function making(schema: string): string {
  const at = (name: string): string => `${schema}.purges_${name}`;
  const greater = [1, 2, 3, 4, 5].map((n) => `greatest(p.marks[${n}], excluded.marks[${n}])`);
  return `
    DO $$ BEGIN
      IF to_regnamespace('${schema}') IS NULL THEN CREATE SCHEMA ${schema}; END IF;
    END $$;
    CREATE TABLE ${at('lines')} (
      tenant text COLLATE "C", selector text COLLATE "C",
      marks float8[] NOT NULL, changed bigint NOT NULL, PRIMARY KEY (tenant, selector)
    );
    CREATE INDEX purges_lines_changed ON ${at('lines')} (changed);
    CREATE TABLE ${at('state')} (version float8 NOT NULL, changes bigint NOT NULL);
    INSERT INTO ${at('state')} VALUES (0, 0);
    CREATE FUNCTION ${at('merge')}(tenants text[], selectors text[], numbers float8[], speaker text)
    RETURNS void LANGUAGE plpgsql AS $$
    DECLARE change bigint; has_news boolean := false;
    BEGIN
      UPDATE ${at('state')} SET changes = changes + 1 RETURNING changes INTO change;
      FOR i IN 1 .. cardinality(tenants) LOOP
        INSERT INTO ${at('lines')} AS p (tenant, selector, marks, changed)
          VALUES (tenants[i], selectors[i], numbers[5 * i - 4 : 5 * i], change)
          ON CONFLICT (tenant, selector) DO UPDATE SET marks = ARRAY[${greater.join(', ')}], changed = change
            WHERE p.marks <> ARRAY[${greater.join(', ')}];
        has_news := has_news OR FOUND;
      END LOOP;
      IF has_news THEN PERFORM pg_notify('economizer_${schema}_purges', speaker); END IF;
    END $$;
    CREATE FUNCTION ${at('add')}(
      tenants text[], selectors text[], numbers float8[], known float8, now_ms float8,
      first_tenant text, first_selector text, speaker text
    ) RETURNS float8 LANGUAGE plpgsql AS $$
    DECLARE given float8; begun boolean;
    BEGIN
      PERFORM ${lockOf(schema)}, set_config('synchronous_commit', 'on', true);
      UPDATE ${at('state')} SET version = greatest(version + 1, known + 1, now_ms)
        RETURNING version INTO given;
      -- Of several gateways that find no table, one begins it.
      begun := tenants[1] = first_tenant AND selectors[1] = first_selector AND EXISTS
        (SELECT 1 FROM ${at('lines')} WHERE tenant = first_tenant AND selector = first_selector);
      IF NOT begun THEN
        PERFORM ${at('merge')}(tenants, selectors,
          array_replace(numbers, ${versionToCome}::float8, given), speaker);
      END IF;
      RETURN given;
    END $$;
    CREATE FUNCTION ${at('keep')}(
      tenants text[], selectors text[], numbers float8[],
      gone_tenants text[], gone_selectors text[], speaker text
    ) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM ${lockOf(schema)};
      PERFORM ${at('merge')}(tenants, selectors, numbers, speaker);
      DELETE FROM ${at('lines')} WHERE (tenant, selector) IN
        (SELECT * FROM unnest(gone_tenants, gone_selectors));
    END $$;
  `;
}
