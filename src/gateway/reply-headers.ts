import type { BudgetPart } from '../exchange/account.ts';
import type { Call } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import { trailText } from '../exchange/trail.ts';
import { usdText } from '../kernel/money.ts';
import { budgetText } from './budget-header.ts';
import { addProtection, headerText } from './protection-headers.ts';

/** Statuses whose answers never have a body (RFC 9110 section 6.4.1). */
const bodiless = new Set([204, 304]);

/**
 * The provider's fields followed by ours. What is only known at the end of a stream (cost, saving) is left out of its head.
 * @param nowTick monotonic milliseconds.
 */
export function replyHeaders(call: Call, reply: Reply, nowTick: number): string[] {
  const whole = isWhole(reply.body);
  // Without a body, a length is the provider's word about one that it did not send.
  const measured = whole && call.method !== 'HEAD' && !bodiless.has(reply.status);
  const headers: string[] = [];
  for (let index = 0; index + 1 < reply.headers.length; index += 2) {
    const name = reply.headers[index]!;
    // A whole body is measured anew; a stream of events may have lost a frame on its way.
    if (isContentLength(name) && (measured || call.facts?.stream === true)) continue;
    headers.push(name, reply.headers[index + 1]!);
  }
  if (measured) headers.push('content-length', String(reply.body.length));
  if (reply.cacheStatus !== undefined) {
    headers.push('cache-status', `economizer; ${reply.cacheStatus}`);
  }
  if (reply.ageSeconds !== undefined) headers.push('age', String(reply.ageSeconds));
  addOwn(headers, call, nowTick, whole);
  return headers;
}

function addOwn(headers: string[], call: Call, nowTick: number, whole: boolean): void {
  const { account } = call;
  headers.push('x-economizer-id', call.id, 'server-timing', serverTiming(call, nowTick));
  // Of a stream the model is not known yet; where another one was put in its place, it must be told all the same.
  const model =
    account.modelServed ?? (call.askedModel === undefined ? undefined : call.facts?.model);
  if (model !== undefined) headers.push('x-economizer-model', headerText(model));
  addProtection(headers, call);
  if (call.trail.length > 0) headers.push('x-economizer-trail', trailText(call.trail));
  if (account.budget !== undefined) addBudget(headers, account.budget);
  if (!whole) return;
  if (account.costNanos !== undefined)
    headers.push('x-economizer-cost', usdText(account.costNanos));
  const saved = account.without?.costNanos;
  if (saved !== undefined && account.savedBy !== undefined) {
    headers.push('x-economizer-saved', usdText(saved - (account.costNanos ?? 0)));
  }
}

function addBudget(headers: string[], { tightest, outputCap }: BudgetPart): void {
  if (tightest !== undefined) headers.push('x-economizer-budget', budgetText(tightest));
  if (outputCap !== undefined) headers.push('x-economizer-output-cap', String(outputCap));
}

/** W3C Server-Timing: `upstream` is the provider's time to its first byte, `own` the rest until now. */
function serverTiming({ account, startedTick }: Call, nowTick: number): string {
  const total = nowTick - startedTick;
  if (account.sentTick === undefined || account.firstByteTick === undefined) {
    return `own;dur=${total.toFixed(2)}`;
  }
  const upstream = (account.endedTick ?? account.firstByteTick) - account.sentTick;
  return `upstream;dur=${upstream.toFixed(2)}, own;dur=${Math.max(0, total - upstream).toFixed(2)}`;
}

function isContentLength(name: string): boolean {
  return name.length === 14 && name.toLowerCase() === 'content-length';
}
