import { createRequire } from 'node:module';
import { EconomizerError } from '../kernel/errors.ts';

type RedisPackage = typeof import('@redis/client');

let loaded: RedisPackage | undefined;

/**
 * The client package, which only who configures Redis installs; loaded when first asked for.
 * @throws EconomizerError `ECO_CONFIG` where it is not installed.
 */
export function redisPackage(): RedisPackage {
  try {
    loaded ??= createRequire(import.meta.url)('@redis/client') as RedisPackage;
    return loaded;
  } catch (cause) {
    throw new EconomizerError(
      'ECO_CONFIG',
      'Redis is configured, but its client is not installed: run `npm install @redis/client`.',
      { cause, param: 'redis' },
    );
  }
}
