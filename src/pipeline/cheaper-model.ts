import { withModel } from '../budget/ladder/cheaper-models.ts';
import type { Call } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Accountant } from './accountant.ts';
import type { Identify } from './identify.ts';
import { note } from './note.ts';
import type { Next } from './stage.ts';
import { tapped } from './tap.ts';

/** A call as it was before a cheaper model was put into it. */
export type AsItCame = Pick<Call, 'body' | 'facts' | 'key' | 'steps'>;

/**
 * Puts a cheaper model into the call, by splice; its facts and its key are read anew. Undefined, and nothing is changed, where the body names no model.
 */
export function asCheaper(call: Call, model: string, identify: Identify): AsItCame | undefined {
  const { body, facts, key, steps } = call;
  if (body === undefined || !isWhole(body) || facts === undefined) return undefined;
  const changed = withModel(Buffer.from(body.buffer, body.byteOffset, body.byteLength), model);
  if (changed === undefined) return undefined;
  call.askedModel = facts.model;
  call.body = changed;
  identify(call);
  return { body, facts, key, steps };
}

interface CheaperOptions {
  readonly changed: AsItCame;
  readonly identify: Identify;
  readonly accountant: Accountant;
  readonly clock: Clock;
}

/** Statuses with which a provider says that this model cannot do what was asked, or is not there. */
const unsuited: ReadonlySet<number> = new Set([400, 404, 422]);

/** Sends the call to the cheaper model; where the provider refuses it there, to the one that was asked. Books what that saved. */
export async function withCheaper(call: Call, next: Next, options: CheaperOptions): Promise<Reply> {
  const { changed, clock } = options;
  const reply = await next(call);
  if (unsuited.has(reply.status)) {
    if (!isWhole(reply.body))
      reply.body.cancel(new Error('asked again of the model that was asked'));
    Object.assign(call, changed);
    call.askedModel = undefined;
    note(call, 'protect', 'model-refused', clock);
    return next(call);
  }
  if (isWhole(reply.body)) {
    settle(call, options.accountant);
    return reply;
  }
  const end = (): void => settle(call, options.accountant);
  return { ...reply, body: tapped(reply.body, { end, broken: end }) };
}

/** The counterfactual: the same usage at the price of the model that was asked. What it would have written instead nobody knows, so it is an estimate. */
function settle(call: Call, accountant: Accountant): void {
  const { account, askedModel } = call;
  // What a stored answer or another's flight saved is booked there.
  if (account.source !== 'upstream' || account.outcome !== 'ok') return;
  if (account.usage === undefined || askedModel === undefined) return;
  const before = account.without;
  const usage = before?.usage ?? account.usage;
  const costNanos = accountant.priceOf(call, askedModel, usage);
  if (costNanos === undefined) return;
  const cheaperNanos = before?.costNanos ?? account.costNanos;
  account.without = { usage, costNanos, totalMs: undefined, basis: 'estimated' };
  const own = Math.abs(costNanos - (cheaperNanos ?? 0));
  const others = Math.abs((cheaperNanos ?? 0) - (account.costNanos ?? 0));
  // Each saving is booked once: to whichever did more.
  if (account.savedBy === undefined || own >= others) account.savedBy = 'protection';
}
