import type { Account } from '../exchange/account.ts';

/** Codes of calls that never reached the provider, and so cost nothing. */
const unsent = new Set(['ECO_UPSTREAM_UNREACHABLE', 'ECO_CONNECT_TIMEOUT', 'ECO_NO_PROVIDER']);

/** True for an attempt that failed with `code` before any byte of it left. */
export function isUnsent({ sentTick }: Account, code: string | undefined): boolean {
  return sentTick === undefined || unsent.has(code ?? '');
}
