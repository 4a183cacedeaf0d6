import { allows } from '../access/allowance.ts';
import type { CheaperOf } from '../budget/ladder/cheaper-models.ts';
import type { Protection } from '../budget/ladder/protection.ts';
import type { Standpoint } from '../budget/budget.ts';
import { isFreePath } from '../budget/free-paths.ts';
import type { Call, Caller } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Accountant } from './accountant.ts';
import { asCheaper, withCheaper } from './cheaper-model.ts';
import type { Identify } from './identify.ts';
import { note } from './note.ts';
import type { Next, Stage } from './stage.ts';
import { tapped } from './tap.ts';

export interface ProtectOptions {
  readonly protection: Protection;
  readonly cheaper: CheaperOf;
  /** Reads a call again whose body has changed. */
  readonly identify: Identify;
  readonly accountant: Accountant;
  readonly clock: Clock;
}

/**
 * Protects budgets that are nearly spent: tells the parts that can save how hard the budgets press, asks a cheaper model where the operator named one, and
 * turns away what is not essential, unless a stored answer serves it, which costs nothing. Stands before everything that looks answers up, so that
 * an answer of the cheaper model is never taken for one of the model that was asked.
 */
export function createProtect(options: ProtectOptions): Stage {
  const { protection, clock } = options;
  return (call, next) => {
    const standpoint = standpointOf(call.caller);
    const pressure = protection.pressureOn(standpoint);
    if (pressure === undefined || isFree(call)) return next(call);
    call.pressure = pressure;
    note(call, 'protect', `level-${pressure.level}:${[...pressure.actions].join('+')}`, clock);
    let leave: (() => void) | undefined;
    try {
      leave = protection.admit(pressure, standpoint);
    } catch (refusal) {
      return storedOr(refusal, { call, next, clock });
    }
    const answered = pressed(call, next, options);
    return leave === undefined ? answered : leaving(answered, leave);
  };
}

/** What no budget draws on. */
function isFree(call: Call): boolean {
  const { dialect } = call;
  return dialect === undefined ? isFreePath(call) : dialect.name === 'anthropic-count-tokens';
}

/** A stored answer, or the refusal where there is none. */
async function storedOr(
  refusal: unknown,
  { call, next, clock }: { readonly call: Call; readonly next: Next; readonly clock: Clock },
): Promise<Reply> {
  if (call.key !== undefined && call.facts !== undefined) {
    const directives = { ...call.directives, onlyIfCached: true };
    try {
      return await next({ ...call, directives });
    } catch (error) {
      if (EconomizerError.from(error).code !== 'ECO_NOT_STORED') throw error;
    }
  }
  note(call, 'protect', `refused:${EconomizerError.from(refusal).code}`, clock);
  throw refusal;
}

function pressed(call: Call, next: Next, options: ProtectOptions): Promise<Reply> {
  const model = call.pressure!.actions.has('cheaper-models')
    ? cheaperFor(call, options)
    : undefined;
  const changed = model === undefined ? undefined : asCheaper(call, model, options.identify);
  if (changed === undefined) return next(call);
  note(call, 'protect', `model:${model}`, options.clock);
  return withCheaper(call, next, { ...options, changed });
}

/** A caller as budgets see it. */
export function standpointOf(caller: Caller): Standpoint {
  const { tenant, team, key, agent, session, tags } = caller;
  return { tenant, team, key, agent, session, tags };
}

function cheaperFor(
  { facts, dialect, provider, caller }: Call,
  { cheaper }: ProtectOptions,
): string | undefined {
  // Vectors of one model mean nothing to another.
  if (facts === undefined || dialect?.name === 'openai-embeddings') return undefined;
  const model = cheaper(provider.name, facts.model);
  // A key that is for certain models only does not get another one by the back door.
  const isAllowed =
    model !== undefined && allows(caller.allowance, { provider: provider.name, model });
  return isAllowed ? model : undefined;
}

async function leaving(answered: Promise<Reply>, leave: () => void): Promise<Reply> {
  try {
    const reply = await answered;
    if (!isWhole(reply.body)) {
      return { ...reply, body: tapped(reply.body, { end: leave, broken: leave }) };
    }
    leave();
    return reply;
  } catch (error) {
    leave();
    throw error;
  }
}
