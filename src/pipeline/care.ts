import type { CarePlan } from '../context/care-plan.ts';
import type { ContextCare } from '../context/context-care.ts';
import type { FanOut } from '../context/care/fan-out.ts';
import type { Call } from '../exchange/call.ts';
import { oneRun } from '../exchange/session-name.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { Bytes } from '../exchange/stream.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Signals } from '../kernel/signals.ts';
import type { Accountant } from './accountant.ts';
import { fanned } from './fan-out.ts';
import type { KeepWarm } from './keep-warm.ts';
import { note } from './note.ts';
import type { Next, Stage } from './stage.ts';
import { tapped } from './tap.ts';

interface CareOptions {
  /** Undefined: switched off. */
  readonly care: ContextCare | undefined;
  /** Undefined: parallel calls do not wait for each other. */
  readonly fanOut: FanOut | undefined;
  /** Undefined: prefixes are not kept warm. */
  readonly keepWarm: KeepWarm | undefined;
  readonly accountant: Accountant;
  readonly clock: Clock;
  readonly signals: Signals;
}

/**
 * Looks after the provider's prefix cache: what leaves is edited as far as that is switched on and pays, and what the provider
 * counted is held against what was expected. A fault of its own, or a provider that refuses an edit, costs the caller nothing: the
 * request goes out as it came.
 */
export function createCare(options: CareOptions): Stage {
  const { care, clock } = options;
  if (care === undefined) return (call, next) => next(call);
  return async (call, next) => {
    const came = call.body;
    const plan = prepare(call, care, options);
    if (plan === undefined) return next(call);
    note(call, 'care', plan.verdict, clock);
    call.body = plan.body;
    const { reply, waited } = await fanned(call, plan, {
      fanOut: options.fanOut,
      clock,
      send: () => sent(call, next, { plan, came, care, clock }),
    });
    if (isWhole(reply.body)) {
      settle(call, plan, { ...options, care, waited });
      return reply;
    }
    const end = (): void => settle(call, plan, { ...options, care, waited });
    return { ...reply, body: tapped(reply.body, { end, broken: end }) };
  };
}

function prepare(call: Call, care: ContextCare, { signals }: CareOptions): CarePlan | undefined {
  const { body, dialect, facts, caller, provider } = call;
  if (dialect === undefined || facts === undefined || body === undefined || !isWhole(body)) {
    return undefined;
  }
  try {
    return care.prepare({
      tenant: `${caller.tenant}\n${call.credentialScope}`,
      agent: caller.agent,
      session: oneRun(caller.session),
      provider: provider.name,
      priceId: provider.priceId,
      model: facts.model,
      dialect: dialect.name,
      body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      at: call.startedAt,
    });
  } catch (error) {
    signals.emit('part-failed', { part: 'care', operation: 'prepare', error });
    return undefined;
  }
}

interface Sending {
  readonly plan: CarePlan;
  readonly came: Call['body'];
  readonly care: ContextCare;
  readonly clock: Clock;
}

/** Sends what was prepared; where the provider refuses it as malformed, what came. */
async function sent(call: Call, next: Next, { plan, came, care, clock }: Sending): Promise<Reply> {
  const reply = await next(call);
  if (reply.status !== 400 || plan.body === came || !differs(plan.body, came)) return reply;
  if (!isWhole(reply.body)) reply.body.cancel(new Error('asked again as it came'));
  call.body = came;
  const second = await next(call);
  if (second.status < 400) care.distrust(plan);
  note(call, 'care', second.status < 400 ? 'edit-refused' : 'refused-as-it-came', clock);
  return second;
}

function differs(one: Bytes, other: Call['body']): boolean {
  return other !== undefined && isWhole(other) && Buffer.compare(one, other) !== 0;
}

function settle(
  call: Call,
  plan: CarePlan,
  options: CareOptions & { readonly care: ContextCare; readonly waited: boolean },
): void {
  const { care, waited, accountant, signals } = options;
  const { account } = call;
  if (account.usage === undefined || account.usageSource !== 'provider') return;
  if (account.outcome !== 'ok') return;
  try {
    const { lost, without, savedBy } = care.settle(plan, account.usage, { waited });
    account.lost = lost;
    options.keepWarm?.watch(call, plan);
    if (without === undefined || call.body !== plan.body) return;
    account.savedBy = savedBy;
    account.without = {
      usage: without,
      costNanos: accountant.price(call, without),
      totalMs: undefined,
      basis: 'estimated',
    };
  } catch (error) {
    signals.emit('part-failed', { part: 'care', operation: 'settle', error });
  }
}
