import { EconomizerError } from '../kernel/errors.ts';
import type { KeyName } from './store.ts';

export function keyTaken({ tenant, id }: KeyName): EconomizerError {
  return new EconomizerError(
    'ECO_KEY_TAKEN',
    `The tenant "${tenant}" has a key "${id}" already; choose another name, or rotate that key.`,
    { param: 'id' },
  );
}

export function noKey({ id }: { readonly id: string }): EconomizerError {
  return new EconomizerError(
    'ECO_NO_KEY',
    `There is no key "${id}"; economizer keys list shows those that there are.`,
    { param: 'id' },
  );
}

export function badKey(param: string, allowed: string): EconomizerError {
  return new EconomizerError('ECO_BAD_KEY', `\`${param}\` of a key must be ${allowed}.`, { param });
}

export function storeFault(message: string, cause?: unknown): EconomizerError {
  return new EconomizerError('ECO_KEY_STORE', message, cause === undefined ? {} : { cause });
}
