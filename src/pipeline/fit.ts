import { untouched, type Fitted, type Fitter, type FitRequest } from '../context/fitting/fitter.ts';
import type { Call } from '../exchange/call.ts';
import { oneRun } from '../exchange/session-name.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import type { Accountant } from './accountant.ts';
import { note } from './note.ts';
import type { Next, Stage } from './stage.ts';
import { tapped } from './tap.ts';

interface FitOptions {
  /** Undefined: switched off. */
  readonly fitter: Fitter | undefined;
  readonly accountant: Accountant;
  readonly clock: Clock;
  readonly signals: Signals;
}

/**
 * Fits a conversation's history before it leaves, and books what that saved or cost. A fault of its own, or a provider that refuses an
 * edited history, costs the caller nothing: the request goes out as it came.
 */
export function createFit(options: FitOptions): Stage {
  const { fitter, clock } = options;
  if (fitter === undefined) return (call, next) => next(call);
  return async (call, next) => {
    const request = requestOf(call);
    if (request === undefined) return next(call);
    await fitter.ready();
    const fitted = fit(fitter, request, options);
    if (fitted.verdict !== undefined) note(call, 'fit', fitted.verdict, clock);
    call.body = fitted.body;
    call.account.predictedNanos = fitted.predictedNanos;
    const reply = await sent(call, next, { request, fitted, fitter, clock }).catch(
      (error: unknown) => {
        fitter.effects.forget(call.id);
        throw error;
      },
    );
    if (isWhole(reply.body)) {
      settle(call, fitter, options);
      return reply;
    }
    const end = (): void => settle(call, fitter, options);
    return { ...reply, body: tapped(reply.body, { end, broken: end }) };
  };
}

function requestOf(call: Call): FitRequest | undefined {
  const { body, dialect, facts, caller, provider } = call;
  if (dialect === undefined || facts === undefined || body === undefined || !isWhole(body)) {
    return undefined;
  }
  return {
    callId: call.id,
    scope: `${caller.tenant}\n${call.credentialScope}`,
    agent: caller.agent,
    session: oneRun(caller.session),
    dialect: dialect.name,
    provider: provider.priceId,
    model: facts.model,
    serviceTier: facts.serviceTier,
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  };
}

function fit(fitter: Fitter, request: FitRequest, { signals }: FitOptions): Fitted {
  try {
    return fitter.fit(request);
  } catch (error) {
    signals.emit('part-failed', { part: 'fitting', operation: 'fit', error });
    return untouched(request.body, 'failed');
  }
}

interface Sending {
  readonly request: FitRequest;
  readonly fitted: Fitted;
  readonly fitter: Fitter;
  readonly clock: Clock;
}

/** Sends what was fitted; where the provider refuses it as malformed, what came. */
async function sent(call: Call, next: Next, sending: Sending): Promise<Reply> {
  const { request, fitted, fitter, clock } = sending;
  const reply = await next(call);
  if (reply.status !== 400 || fitted.body === request.body) return reply;
  if (!isWhole(reply.body)) reply.body.cancel(new Error('asked again as it came'));
  call.body = request.body;
  call.account.predictedNanos = undefined;
  const second = await next(call);
  if (second.status < 400) fitter.effects.refused(call.id);
  note(call, 'fit', second.status < 400 ? 'edit-refused' : 'refused-as-it-came', clock);
  return second;
}

function settle(call: Call, fitter: Fitter, { accountant, signals }: FitOptions): void {
  const { account } = call;
  if (account.outcome !== 'ok' || account.usage === undefined) {
    fitter.effects.forget(call.id);
    return;
  }
  try {
    // Where care saved too, its counterfactual is the call that had no edits of history less.
    const cared = account.without;
    const effect = fitter.effects.without(call.id, account.usage, cared?.usage ?? account.usage);
    if (effect === undefined) return;
    const costNanos = accountant.price(call, effect.usage);
    const fittedNanos = cared === undefined ? account.costNanos : cared.costNanos;
    // A prefix that was broken on purpose is no loss.
    if (effect.isEdit) account.lost = undefined;
    account.without = { usage: effect.usage, costNanos, totalMs: undefined, basis: 'estimated' };
    if (costNanos === undefined || fittedNanos === undefined || account.costNanos === undefined) {
      account.savedBy ??= 'fitting';
      return;
    }
    const saved = costNanos - fittedNanos;
    fitter.effects.realise(call.id, saved);
    // Each saving is booked once: to whichever of the two did more.
    const isMore = Math.abs(saved) >= Math.abs(fittedNanos - account.costNanos);
    if (account.savedBy === undefined || isMore) account.savedBy = 'fitting';
  } catch (error) {
    signals.emit('part-failed', { part: 'fitting', operation: 'settle', error });
  }
}
