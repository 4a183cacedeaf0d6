import { allows } from '../access/allowance.ts';
import type { CheaperOf } from '../budget/ladder/cheaper-models.ts';
import type { Protection } from '../budget/ladder/protection.ts';
import type { Standpoint } from '../budget/budget.ts';
import type { Call, Caller, Pressure } from '../exchange/call.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Accountant } from './accountant.ts';
import { asCheaper, withCheaper } from './cheaper-model.ts';
import type { Identify } from './identify.ts';
import { note } from './note.ts';
import type { Stage } from './stage.ts';
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
 * turns away what is not essential. Stands before everything that looks answers up, so that an answer of the cheaper model is never
 * taken for one of the model that was asked.
 */
export function createProtect(options: ProtectOptions): Stage {
  const { protection, clock } = options;
  return (call, next) => {
    const standpoint = standpointOf(call.caller);
    const pressure = protection.pressureOn(standpoint);
    if (pressure === undefined) return next(call);
    call.pressure = pressure;
    note(call, 'protect', `level-${pressure.level}:${[...pressure.actions].join('+')}`, clock);
    const leave = admitted(call, standpoint, pressure, options);
    const model = pressure.actions.has('cheaper-models') ? cheaperFor(call, options) : undefined;
    const changed = model === undefined ? undefined : asCheaper(call, model, options.identify);
    if (changed !== undefined) note(call, 'protect', `model:${model}`, clock);
    const answered =
      changed === undefined ? next(call) : withCheaper(call, next, { ...options, changed });
    return leave === undefined ? answered : leaving(answered, leave);
  };
}

function admitted(
  call: Call,
  standpoint: Standpoint,
  pressure: Pressure,
  { protection, clock }: ProtectOptions,
): (() => void) | undefined {
  try {
    return protection.admit(pressure, standpoint);
  } catch (error) {
    note(call, 'protect', `refused:${EconomizerError.from(error).code}`, clock);
    throw error;
  }
}

/** A caller as budgets see it. */
export function standpointOf(caller: Caller): Standpoint {
  const { tenant, team, key, agent, session, tags } = caller;
  return { tenant, team, key, agent, session, tags };
}

/** Vectors of one model mean nothing to another, and counting is free. */
const fixedDialects: ReadonlySet<string> = new Set(['openai-embeddings', 'anthropic-count-tokens']);

function cheaperFor(
  { facts, dialect, provider, caller }: Call,
  { cheaper }: ProtectOptions,
): string | undefined {
  if (facts === undefined || dialect === undefined || fixedDialects.has(dialect.name)) {
    return undefined;
  }
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
