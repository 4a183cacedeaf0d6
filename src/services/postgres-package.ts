import { createRequire } from 'node:module';
import { EconomizerError } from '../kernel/errors.ts';

type PostgresPackage = typeof import('pg');

let loaded: PostgresPackage | undefined;

/**
 * The client package, which only who configures PostgreSQL installs; loaded when first asked for.
 * @throws EconomizerError `ECO_CONFIG` where it is not installed.
 */
export function postgresPackage(): PostgresPackage {
  try {
    loaded ??= createRequire(import.meta.url)('pg') as PostgresPackage;
    return loaded;
  } catch (cause) {
    throw new EconomizerError(
      'ECO_CONFIG',
      'PostgreSQL is configured, but its client is not installed: run `npm install pg`.',
      { cause, param: 'postgres' },
    );
  }
}
