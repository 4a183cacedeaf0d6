import type { Call, Pressure } from '../exchange/call.ts';

/** How hard budgets press on a call, and what its caller is warned of; on answers and on refusals alike. */
export function addProtection(headers: string[], { pressure, warnings }: Call): void {
  if (pressure !== undefined) headers.push('x-economizer-pressure', pressureText(pressure));
  if (warnings !== undefined) headers.push('x-economizer-warning', warnings.join(', '));
}

/** Such as `2; budget=daily; actions="cache-more cheaper-models"`. */
function pressureText({ level, budget, actions }: Pressure): string {
  return `${level}; budget=${headerText(budget)}; actions="${[...actions].join(' ')}"`;
}

/** A name comes from outside and must not break the header. */
export function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text);
}
