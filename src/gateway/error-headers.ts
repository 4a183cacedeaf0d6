import type { Call } from '../exchange/call.ts';
import type { EconomizerError } from '../kernel/errors.ts';
import { budgetText } from './budget-header.ts';
import { isWorthRetrying } from './error-map.ts';
import { addProtection } from './protection-headers.ts';

/** Our fields of an answer that is an error of ours, names and values in turn. */
export function errorHeaders(call: Call, error: EconomizerError): string[] {
  const headers = ['x-economizer-id', call.id];
  if (!isWorthRetrying(error)) headers.push('x-should-retry', 'false');
  if (error.retryAfterMs !== undefined) {
    headers.push('retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
  }
  if (error.kind === 'unstored') headers.push('cache-status', 'economizer; detail=only-if-cached');
  const { budget } = call.account;
  if (budget?.tightest !== undefined) {
    headers.push('x-economizer-budget', budgetText(budget.tightest));
  }
  addProtection(headers, call);
  return headers;
}
