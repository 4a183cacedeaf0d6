import type { Pressure, PressureAction } from '../../exchange/call.ts';
import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Standpoint } from '../budget.ts';
import { timeText } from '../forecast.ts';
import { Crews } from './crews.ts';
import type { IsKin } from './kinship.ts';
import { joined } from './rung.ts';

/** Somebody who presses: the ladder, the emergency switch. */
export interface Presser {
  pressureOn(standpoint: Standpoint): Pressure | undefined;
}

export interface ProtectionOptions {
  readonly pressers: readonly Presser[];
  /** Who goes on as far as the budget lets them. */
  readonly essential: IsKin;
  /** Whose calls can wait; undefined: all that are not essential. */
  readonly deferrable: IsKin | undefined;
  /** Whether essential calls too are given to cheaper models. */
  readonly cheaperForEssential: boolean;
  /** Calls at the same time that an agent is scaled down to. */
  readonly concurrentCalls: number;
  readonly clock: Clock;
}

/** Essential calls are never turned away here; what saves without a loss they take part in. */
const savingActions: ReadonlySet<PressureAction> = new Set(['cache-more', 'cheaper-models']);
/** A scaled-down agent may try again so soon. */
const crewRetryMs = 5000;

/** Decides what the ladder means for one call: what it is asked to save, and whether it may go on. */
export class Protection {
  readonly #options: ProtectionOptions;
  readonly #crews: Crews;
  readonly #eased = new WeakMap<Pressure, Pressure>();

  constructor(options: ProtectionOptions) {
    this.#options = options;
    this.#crews = new Crews(options.concurrentCalls);
  }

  /** What a call is asked to save; undefined where nothing presses. */
  pressureOn(standpoint: Standpoint): Pressure | undefined {
    let pressure: Pressure | undefined;
    for (const presser of this.#options.pressers) {
      const found = presser.pressureOn(standpoint);
      if (found !== undefined) pressure = joined(pressure, found);
    }
    if (pressure === undefined || !this.#options.essential(standpoint)) return pressure;
    return this.#easedFor(pressure);
  }

  /**
   * Lets a call pass under the pressure that is on it.
   * @returns what to call when it is over; undefined where nobody counts.
   * @throws EconomizerError `ECO_DEFERRED` or `ECO_SCALED_DOWN`.
   */
  admit(pressure: Pressure, standpoint: Standpoint): (() => void) | undefined {
    const { actions } = pressure;
    if (actions.has('shutdown')) throw this.#refusal('ECO_SCALED_DOWN', pressure, standpoint);
    const waits = actions.has('defer') || actions.has('batch');
    if (waits && (this.#options.deferrable?.(standpoint) ?? true)) {
      throw this.#refusal('ECO_DEFERRED', pressure, standpoint);
    }
    if (!actions.has('scale-down')) return undefined;
    const { tenant, agent = '', key = '' } = standpoint;
    const leave = this.#crews.enter(JSON.stringify([tenant, key, agent]));
    if (leave === undefined) throw this.#crowded(pressure, standpoint);
    return leave;
  }

  /** What an essential call is asked. The same object for the same pressure, so that a call makes none. */
  #easedFor(pressure: Pressure): Pressure {
    let eased = this.#eased.get(pressure);
    if (eased === undefined) {
      const actions = [...pressure.actions].filter(
        (action) =>
          savingActions.has(action) &&
          (action !== 'cheaper-models' || this.#options.cheaperForEssential),
      );
      eased = { ...pressure, actions: new Set(actions) };
      this.#eased.set(pressure, eased);
    }
    return eased;
  }

  #refusal(
    code: 'ECO_DEFERRED' | 'ECO_SCALED_DOWN',
    pressure: Pressure,
    standpoint: Standpoint,
  ): EconomizerError {
    const what =
      code === 'ECO_DEFERRED'
        ? 'calls that can wait are put off'
        : 'only essential agents are served';
    const { until } = pressure;
    const when =
      until === undefined ? 'when the budget allows' : `from ${timeText(until, 'UTC')} on`;
    return new EconomizerError(
      code,
      `${cause(pressure)}, so ${what} and ${agentText(standpoint)} is not one of them; try again ${when}, have the limit raised, or list it under protection.essential.`,
      { retryAfterMs: this.#msUntil(until), details: detailsOf(pressure, until) },
    );
  }

  #crowded(pressure: Pressure, standpoint: Standpoint): EconomizerError {
    const { concurrentCalls } = this.#options;
    return new EconomizerError(
      'ECO_SCALED_DOWN',
      `${cause(pressure)}, so agents that are not essential are scaled down to ${concurrentCalls} call(s) at a time and ${agentText(standpoint)} has that many under way; try again when they are through.`,
      { retryAfterMs: crewRetryMs, details: detailsOf(pressure, undefined) },
    );
  }

  #msUntil(until: number | undefined): number | undefined {
    return until === undefined ? undefined : Math.max(0, until - this.#options.clock.now());
  }
}

function cause({ budget }: Pressure): string {
  return budget === 'emergency'
    ? 'The emergency switch is on'
    : `The budget "${budget}" is nearly spent`;
}

function agentText({ agent, key }: Standpoint): string {
  if (agent !== undefined) return `the agent "${agent.slice(0, 80)}"`;
  return key === undefined ? 'a caller without a name' : `the key "${key}"`;
}

function detailsOf(
  { budget, level }: Pressure,
  until: number | undefined,
): Readonly<Record<string, string | number | null>> {
  return {
    budget,
    level,
    resets_at: until === undefined ? null : new Date(until).toISOString(),
  };
}
